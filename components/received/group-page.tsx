'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Section } from '#components/ui/card.tsx';
import { Copyable } from '#components/ui/copyable.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { Facts } from '#components/ui/facts.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { Chip } from '#components/ui/state-badge.tsx';
import { RecordState } from './record-name.tsx';

type Group = Outputs['data']['group'];
type Member = NonNullable<Group['members']>[number];

/** One group or class: what it is, and its members where the reader may know them. */
export function GroupPage({ schoolId, groupId }: { schoolId: string; groupId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData.group');
  const data = useTranslations('schoolData');
  const { data: group } = useSuspenseQuery(trpc.data.group.queryOptions({ schoolId, groupId }));
  const roles = useTranslations('schoolData.person.role');
  const roleWord = (role: string) => (roles.has(role) ? roles(role) : role);
  const filtered = (filter: 'subject' | 'stream' | 'site', sourceId: string | null, name: string | null) =>
    name === null ? null : (
      <Link href={`/school/${schoolId}/data?show=groups&${filter}=${encodeURIComponent(sourceId ?? '')}`}>{name}</Link>
    );
  const counts = group.counts
    .map(({ role, count }) =>
      t.has(`counts.${role}`) ? t(`counts.${role}`, { count }) : t('count', { count, role: roleWord(role) }),
    )
    .join(' · ');
  return (
    <>
      <PageHeader
        above={
          <Link href={`/school/${schoolId}/data?show=groups`} className="text-ink-2">
            {data('collection.groups')}
          </Link>
        }
        title={group.title}
        standing={
          <>
            <RecordState record={group} className="mr-2" />
            {data(`details.${group.kind}`)}
            {counts !== '' && ` · ${counts}`}
          </>
        }
      />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
        <Section title={t('members')} className="max-lg:order-2">
          <Members schoolId={schoolId} group={group} roleWord={roleWord} />
        </Section>
        <Section title={t('about')}>
          <Facts
            items={[
              [data('column.subject'), filtered('subject', group.subjectSourceId, group.subjectName)],
              [data('column.stream'), filtered('stream', group.streamSourceId, group.streamName)],
              [data('column.site'), filtered('site', group.siteSourceId, group.siteName)],
              [data('column.grades'), group.grades.length === 0 ? null : group.grades.join(', ')],
              [data('column.code'), group.code],
              [
                data('column.terms'),
                group.terms.length === 0 ? null : (
                  <ul key="terms" className="grid gap-1">
                    {group.terms.map((term) => (
                      <li key={term.name}>
                        {term.name}
                        {term.startsOn !== null && term.endsOn !== null && (
                          <span className="block text-ink-2 text-sm">
                            <Day on={term.startsOn} /> – <Day on={term.endsOn} />
                          </span>
                        )}
                      </li>
                    ))}
                  </ul>
                ),
              ],
              [data('details.system'), group.systemName],
              [
                data('details.sourceId'),
                <Copyable key="source" text={group.sourceId} label={data('details.sourceId')} />,
              ],
              [data('details.ownId'), <Copyable key="own" text={group.id} label={data('details.ownId')} />],
              [data('details.firstSeen'), <RelativeTime key="first" at={group.firstSeenAt} />],
              [data('details.lastSeen'), <RelativeTime key="last" at={group.lastSeenAt} />],
            ]}
          />
        </Section>
      </div>
    </>
  );
}

function Members({
  schoolId,
  group,
  roleWord,
}: {
  schoolId: string;
  group: Group;
  roleWord: (role: string) => string;
}) {
  const t = useTranslations('schoolData.group');
  const people = useTranslations('schoolData.people');
  const format = useFormatter();
  const total = group.counts.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return <p className="text-ink-2">{t('membersNone')}</p>;
  if (group.members === null) {
    return (
      <>
        <Facts items={group.counts.map(({ role, count }) => [roleWord(role), format.number(count)])} />
        <p className="text-ink-2 text-sm">{people('notForYou')}</p>
      </>
    );
  }
  const columns: Column<Member>[] = [
    {
      id: 'name',
      header: t('name'),
      cell: (member) => (
        <>
          <Link
            href={`/school/${schoolId}/data/people/${member.personId}`}
            className="inline-block min-h-6 font-semibold"
          >
            {member.name === '' ? '–' : member.name}
          </Link>
          {member.isPrimary === true && (
            <span className="ml-2">
              <Chip>{t('primary')}</Chip>
            </span>
          )}
          <span className="block text-ink-2 text-sm md:hidden">{roleWord(member.role)}</span>
        </>
      ),
    },
    { id: 'role', header: t('role'), cell: (member) => roleWord(member.role), wideOnly: true },
    { id: 'number', header: people('number'), cell: (member) => member.identifier ?? '–', wideOnly: true },
    {
      id: 'until',
      header: t('until'),
      cell: (member) => (member.endsOn === null ? '–' : <Day on={member.endsOn} />),
      wideOnly: true,
    },
  ];
  return (
    <>
      <DataTable
        rows={group.members}
        columns={columns}
        rowId={(member) => member.id}
        caption={t('members')}
        pageSize={50}
      />
      {group.members.length < total && (
        <p className="text-ink-2 text-sm">{t('notAll', { shown: group.members.length, total })}</p>
      )}
    </>
  );
}
