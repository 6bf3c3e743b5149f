'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useMe } from '#components/account/use-me.ts';
import { RecoveryNotice } from '#components/school/recovery-notice.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Ask } from '#components/ui/card.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { ChangeRolesDialog, type SchoolMember } from './change-roles-dialog.tsx';
import { EndMembership, LeaveSchool } from './end-membership.tsx';
import { InviteDialog } from './invite-dialog.tsx';
import { OpenInvitations } from './open-invitations.tsx';
import { RequireSecondFactor } from './require-second-factor.tsx';

/** Who acts for the school and in which roles; its administrators invite, change and end. */
export function SchoolPeople({ schoolId, schoolName }: { schoolId: string; schoolName: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolPeople');
  const words = useTranslations('people.roles');
  const format = useFormatter();
  const me = useMe();
  const { data: list } = useSuspenseQuery(trpc.people.listSchoolMembers.queryOptions({ schoolId }));
  const { data: limits } = useSuspenseQuery(trpc.people.listRoleLimits.queryOptions({ schoolId }));
  const { members, invitations, mayChange, withSecondFactor, requiresSecondFactor } = list;

  const holders = (role: string) => members.filter((member) => member.memberships.some((one) => one.role === role));
  const administrators = holders('school-administrator');
  const gaps = [
    ...(['signatory', 'approver', 'technical-contact'] as const).filter((role) => holders(role).length === 0),
    ...(administrators.length === 1 ? (['oneAdministrator'] as const) : []),
  ];
  const limitWords = (one: SchoolMember['memberships'][number]) => {
    const named = (id: string | null, among: readonly { id: string; name: string }[]) =>
      id === null ? [] : [among.find((entry) => entry.id === id)?.name ?? t('unknownLimit')];
    const names = [...named(one.systemId, limits.systems), ...named(one.siteId, limits.sites)];
    return names.length === 0 ? null : t('only', { limits: format.list(names) });
  };
  const rolesOf = (member: SchoolMember) => (
    <ul className="grid gap-0.5">
      {member.memberships.map((one) => {
        const limit = limitWords(one);
        return (
          <li key={one.id}>
            {words(one.role)}
            {limit !== null && <span className="text-ink-2 text-sm"> · {limit}</span>}
          </li>
        );
      })}
    </ul>
  );
  const columns: Column<SchoolMember>[] = [
    {
      id: 'person',
      header: t('person'),
      cell: (member) => (
        <>
          <span className="font-semibold">{member.name}</span>
          {member.userId === me?.userId && <span className="text-ink-2 text-sm"> ({t('you')})</span>}
          <span className="block text-ink-2 text-sm [overflow-wrap:anywhere]">{member.email}</span>
          <span className="mt-1 block md:hidden">{rolesOf(member)}</span>
        </>
      ),
      sortBy: (member) => member.name.toLowerCase(),
      searchIn: (member) => `${member.name} ${member.email}`,
    },
    {
      id: 'roles',
      header: t('roles'),
      cell: rolesOf,
      wideOnly: true,
    },
    ...(withSecondFactor === null
      ? []
      : [
          {
            id: 'factor',
            header: t('secondFactor'),
            cell: (member: SchoolMember) =>
              withSecondFactor.includes(member.userId) ? (
                <StateBadge look="live">{t('has')}</StateBadge>
              ) : (
                <StateBadge look={requiresSecondFactor ? 'wait' : 'rest'}>{t('hasNot')}</StateBadge>
              ),
            sortBy: (member: SchoolMember) => (withSecondFactor.includes(member.userId) ? 1 : 0),
            wideOnly: true,
          },
        ]),
    {
      id: 'since',
      header: t('since'),
      cell: (member) => (
        <span className="whitespace-nowrap">
          <Day on={firstDay(member)} />
        </span>
      ),
      sortBy: (member) => firstDay(member).getTime(),
      wideOnly: true,
    },
    {
      id: 'actions',
      header: t('actions'),
      cell: (member) => {
        const own = member.userId === me?.userId;
        return (
          <span className="flex flex-wrap gap-2">
            {mayChange && <ChangeRolesDialog schoolId={schoolId} member={member} limits={limits} own={own} />}
            {own ? (
              <LeaveSchool schoolId={schoolId} schoolName={schoolName} />
            ) : (
              mayChange && <EndMembership schoolId={schoolId} schoolName={schoolName} member={member} />
            )}
          </span>
        );
      },
    },
  ];
  const without = withSecondFactor === null ? [] : members.filter(({ userId }) => !withSecondFactor.includes(userId));
  return (
    <div className="grid gap-5">
      <div className="-mb-5">
        <PageHeader
          title={t('title')}
          standing={[
            t('standing', { count: members.length, school: schoolName }),
            mayChange
              ? t('standingInvited', { count: invitations.length })
              : t('notYours', { administrators: format.list(administrators.map(({ name }) => name)) }),
          ]
            .join(' ')
            .trim()}
          action={mayChange ? <InviteDialog schoolId={schoolId} schoolName={schoolName} limits={limits} /> : undefined}
        />
      </div>
      <RecoveryNotice schoolId={schoolId} />
      {gaps.length > 0 && (
        <Ask>
          {gaps.some((gap) => gap !== 'oneAdministrator') && <strong className="block">{t('gaps.title')}</strong>}
          {gaps.map((gap) => (
            <span key={gap} className="block text-ink-2">
              {t(`gaps.${gap}`)}
            </span>
          ))}
        </Ask>
      )}
      <DataTable rows={members} columns={columns} rowId={(member) => member.userId} caption={t('caption')} />
      {mayChange && (
        <div className="grid items-start gap-5 lg:grid-cols-2">
          {invitations.length > 0 && <OpenInvitations schoolId={schoolId} invitations={invitations} />}
          <RequireSecondFactor
            schoolId={schoolId}
            required={requiresSecondFactor}
            without={without.map(({ name }) => name)}
            ownMissing={without.some(({ userId }) => userId === me?.userId)}
          />
        </div>
      )}
    </div>
  );
}

const firstDay = (member: SchoolMember) =>
  new Date(Math.min(...member.memberships.map(({ since }) => since.getTime())));
