'use client';

import Link from 'next/link';
import { usePathname, useSearchParams } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useMemo } from 'react';
import { classNames } from '#components/ui/class-names.ts';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { type PipelineRow, StageBadge, stages } from './stage-badge.tsx';

/** What an agent looks at first. */
const urgency: readonly PipelineRow['stage'][] = ['needs-attention', 'agreement-out', 'connecting', 'prospect', 'live'];

/** The agent's schools: how many stand where, and each with what comes next. The stage is in the address. */
export function Pipeline({ rows, agentId }: { rows: readonly PipelineRow[]; agentId: string }) {
  const t = useTranslations('schools');
  const pathname = usePathname();
  const wanted = useSearchParams().get('stage');
  const stage = stages.find((one) => one === wanted) ?? null;
  const shown = useMemo(() => (stage === null ? rows : rows.filter((row) => row.stage === stage)), [rows, stage]);
  const columns: Column<PipelineRow>[] = [
    {
      id: 'school',
      header: t('pipeline.school'),
      cell: (row) => (
        <>
          <Link href={`/agent/${agentId}/schools/${row.schoolId}`} className="break-words font-semibold">
            {row.name}
          </Link>
          <span className="block text-ink-2 text-sm">
            {t('school.number', { register: row.register, number: row.registerNumber })}
          </span>
        </>
      ),
      sortBy: (row) => row.name.toLowerCase(),
      searchIn: (row) => `${row.name} ${row.registerNumber}`,
    },
    {
      id: 'stage',
      header: t('pipeline.stage'),
      cell: (row) => (
        <>
          <StageBadge stage={row.stage} />
          <span className="block text-ink-2 text-sm md:hidden">
            {t(`next.${row.next}`, { endsOn: row.endsOn ?? '' })}
          </span>
        </>
      ),
      sortBy: (row) => urgency.indexOf(row.stage),
    },
    {
      id: 'next',
      header: t('pipeline.next'),
      cell: (row) => <span className="block min-w-52">{t(`next.${row.next}`, { endsOn: row.endsOn ?? '' })}</span>,
      wideOnly: true,
    },
    {
      id: 'turn',
      header: t('pipeline.turn'),
      cell: (row) => t(`turn.${row.turn}`),
      sortBy: (row) => t(`turn.${row.turn}`),
      wideOnly: true,
    },
    {
      id: 'live',
      header: t('pipeline.live'),
      cell: (row) => row.live,
      sortBy: (row) => row.live,
      numeric: true,
      wideOnly: true,
    },
    {
      id: 'changed',
      header: t('pipeline.changed'),
      cell: (row) => (
        <span className="whitespace-nowrap">
          <RelativeTime at={row.lastChange} />
        </span>
      ),
      sortBy: (row) => row.lastChange.getTime(),
      wideOnly: true,
    },
  ];
  const strip = [null, ...stages].map((one) => ({
    stage: one,
    count: one === null ? rows.length : rows.filter((row) => row.stage === one).length,
  }));
  return (
    <div className="grid gap-4">
      <nav aria-label={t('pipeline.stages')} className="-mx-4 overflow-x-auto px-4 md:mx-0 md:px-0">
        <ul className="grid grid-flow-col gap-2 md:grid-cols-6">
          {strip.map((one) => (
            <li key={one.stage ?? 'all'}>
              <Link
                href={one.stage === null ? pathname : `${pathname}?stage=${one.stage}`}
                aria-current={one.stage === stage ? 'true' : undefined}
                className={classNames(
                  'grid min-w-32 gap-0.5 rounded-card border px-4 py-2.5 no-underline',
                  one.stage === stage ? 'border-accent bg-accent-bg' : 'border-line bg-card hover:bg-sunken',
                )}
              >
                <span className="font-semibold text-xl tabular-nums">{one.count}</span>
                {one.stage === null ? (
                  <span className="font-semibold text-sm">{t('pipeline.all')}</span>
                ) : (
                  <StageBadge stage={one.stage} />
                )}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <DataTable
        rows={shown}
        columns={columns}
        rowId={(row) => row.schoolId}
        caption={t('pipeline.caption')}
        defaultSort={{ id: 'stage', desc: false }}
        empty={<p className="py-8 text-center text-ink-2">{t('pipeline.noneInStage')}</p>}
      />
    </div>
  );
}
