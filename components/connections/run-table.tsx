'use client';

import Link from 'next/link';
import { useFormatter, useTranslations } from 'next-intl';
import type { Outputs } from '#components/trpc/types.ts';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';
import { lookOfRun } from './state-look.ts';
import { useDuration } from './sync-progress.tsx';

type Run = Outputs['connections']['page']['runs'][number];

/** The last syncs of a system, each with what it brought. */
export function RunTable({
  base,
  runs,
  systemName,
  pageSize,
}: {
  /** Address of the connection's page. */
  base: string;
  runs: readonly Run[];
  systemName: string;
  pageSize?: number;
}) {
  const t = useTranslations('connectionPage.runs');
  const sync = useTranslations('sync');
  const format = useFormatter();
  const duration = useDuration();
  const sum = (run: Run, what: 'added' | 'changed' | 'gone') =>
    run.counts.reduce(
      (total, counts) => total + (counts[what] ?? 0) + (what === 'added' ? (counts.returned ?? 0) : 0),
      0,
    );
  const changesOf = (run: Run) =>
    [sum(run, 'added'), sum(run, 'changed'), sum(run, 'gone')].map((n) => format.number(n)).join(' · ');
  const columns: Column<Run>[] = [
    {
      id: 'started',
      header: t('started'),
      cell: (run) => (
        <>
          <Link href={`${base}/runs/${run.syncRunId}`} className="inline-block min-h-6 whitespace-nowrap">
            <RelativeTime at={run.startedAt ?? run.createdAt} />
          </Link>
          <span className="block text-ink-2 text-sm md:hidden">
            {sync(`trigger.${run.trigger}`)} ·{' '}
            {t('changesInWords', { added: sum(run, 'added'), changed: sum(run, 'changed'), gone: sum(run, 'gone') })}
          </span>
        </>
      ),
      sortBy: (run) => run.createdAt.getTime(),
    },
    {
      id: 'state',
      header: t('state'),
      cell: (run) => (
        <>
          <StateBadge look={lookOfRun(run.state)}>{sync(`state.${run.state}`)}</StateBadge>
          {run.undoneAt !== null && <span className="block text-ink-2 text-sm">{t('undone')}</span>}
        </>
      ),
    },
    { id: 'trigger', header: t('trigger'), cell: (run) => sync(`trigger.${run.trigger}`), wideOnly: true },
    {
      id: 'kind',
      header: t('kind'),
      cell: (run) => (
        <>
          {sync(`kind.${run.kind}`)}
          {run.imported && <span className="block text-ink-2 text-sm">{t('imported')}</span>}
        </>
      ),
      wideOnly: true,
    },
    { id: 'records', header: t('records'), cell: (run) => format.number(run.fetched), numeric: true, wideOnly: true },
    {
      id: 'changes',
      header: t('changes'),
      cell: (run) => <span className="whitespace-nowrap">{changesOf(run)}</span>,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'took',
      header: t('took'),
      cell: (run) => (
        <span className="whitespace-nowrap">
          {run.startedAt === null || run.finishedAt === null
            ? '–'
            : duration((run.finishedAt.getTime() - run.startedAt.getTime()) / 1000)}
        </span>
      ),
      numeric: true,
      wideOnly: true,
    },
  ];
  return (
    <DataTable
      rows={runs}
      columns={columns}
      rowId={(run) => run.syncRunId}
      caption={t('caption', { system: systemName })}
      name="runs"
      {...(pageSize === undefined ? {} : { pageSize })}
      empty={<p className="text-ink-2">{t('none')}</p>}
    />
  );
}
