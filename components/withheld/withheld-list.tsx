'use client';

import { useMutation, useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { DataParts } from '#components/received/data-parts.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { WithholdAhead } from './withhold-ahead.tsx';

type Person = Outputs['withheld']['list']['people'][number];

/** Whom the school withholds, and whom it withheld: since when, by whom, why, and the way back. */
export function WithheldList({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('withheld');
  const { data } = useSuspenseQuery(trpc.withheld.list.queryOptions({ schoolId }));
  const systems = new Set(data.people.map(({ systemId }) => systemId));
  const known = (person: Person) => {
    const [first, ...more] = person.sourceIds;
    if (first === undefined) return t('numberOnly', { number: person.number ?? '' });
    return [
      ...(person.number === null ? [] : [t('number', { number: person.number })]),
      first,
      ...(more.length === 0 ? [] : [t('moreIds', { count: more.length })]),
    ].join(' · ');
  };
  const state = (person: Person) =>
    person.releasedAt === null ? (
      <StateBadge look="wait">{t('withheld')}</StateBadge>
    ) : (
      <StateBadge look="rest">{t('released')}</StateBadge>
    );
  const columns: Column<Person>[] = [
    {
      id: 'name',
      header: t('column.name'),
      cell: (person) => (
        <>
          <span className="font-semibold [overflow-wrap:anywhere]">{person.name}</span>
          {systems.size > 1 && <span className="block text-ink-2 text-sm">{person.systemName}</span>}
          <span className="block text-sm md:hidden">{state(person)}</span>
          <span className="block text-ink-2 text-sm md:hidden">{person.reason}</span>
        </>
      ),
      sortBy: (person) => person.name.toLowerCase(),
      searchIn: (person) => [person.name, person.number, person.reason, ...person.sourceIds].join(' '),
    },
    {
      id: 'known',
      header: t('column.known'),
      cell: (person) => <span className="text-sm [overflow-wrap:anywhere]">{known(person)}</span>,
      wideOnly: true,
    },
    {
      id: 'since',
      header: t('column.since'),
      cell: (person) => (
        <>
          <RelativeTime at={person.withheldAt} />
          <span className="block text-ink-2 text-sm">{t('by', { person: person.withheldBy })}</span>
        </>
      ),
      sortBy: (person) => person.withheldAt.getTime(),
    },
    {
      id: 'reason',
      header: t('column.reason'),
      cell: (person) => <span className="block max-w-80 whitespace-pre-line">{person.reason}</span>,
      wideOnly: true,
    },
    {
      id: 'state',
      header: t('column.state'),
      cell: (person) => (
        <>
          {state(person)}
          {person.releasedAt !== null && (
            <span className="block text-ink-2 text-sm">
              {t.rich('releasedBy', {
                person: person.releasedBy ?? '',
                when: () => <RelativeTime at={person.releasedAt ?? new Date(0)} />,
              })}
            </span>
          )}
        </>
      ),
      sortBy: (person) => (person.releasedAt === null ? 0 : 1),
      wideOnly: true,
    },
    {
      id: 'release',
      header: t('column.actions'),
      cell: (person) => (person.releasedAt === null ? <Release schoolId={schoolId} person={person} /> : null),
    },
  ];
  // Withheld in two systems, somebody is still one person.
  const living = new Set(
    data.people
      .filter(({ releasedAt }) => releasedAt === null)
      .map(({ name, number, act }) => number ?? `${name} ${act}`),
  ).size;
  return (
    <div className="grid gap-5">
      <div className="-mb-5">
        <PageHeader
          title={t('title')}
          standing={t('standing', { count: living })}
          action={<WithholdAhead schoolId={schoolId} systems={data.systems} />}
        />
      </div>
      <DataParts schoolId={schoolId} />
      {data.people.length > 0 && <p className="max-w-prose text-ink-2">{t('lead')}</p>}
      <DataTable
        rows={data.people}
        columns={columns}
        rowId={(person) => person.act}
        caption={t('caption')}
        defaultSort={{ id: 'state', desc: false }}
        empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>}
      />
    </div>
  );
}

function Release({ schoolId, person }: { schoolId: string; person: Person }) {
  const trpc = useTRPC();
  const t = useTranslations('withheld');
  const queryClient = useQueryClient();
  const { name } = person;
  const release = useMutation(
    trpc.withheld.release.mutationOptions({
      onSuccess: async ({ syncRunId }) => {
        await queryClient.invalidateQueries({ queryKey: trpc.withheld.pathKey() });
        toast.success(t(syncRunId === null ? 'releaseLater' : 'releaseDone', { name }));
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={<Button size="small">{t('release')}</Button>}
      title={t('releaseTitle', { name })}
      description={t('releaseBody', { name })}
      confirm={t('releaseConfirm')}
      danger={false}
      onConfirm={() => release.mutateAsync({ schoolId, act: person.act })}
    >
      <ErrorNotice error={release.error} />
    </ConfirmDialog>
  );
}
