'use client';

import { useTranslations } from 'next-intl';
import { lookOfConnection } from '#components/connections/state-look.ts';
import type { Outputs } from '#components/trpc/types.ts';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { StateBadge } from '#components/ui/state-badge.tsx';

type Row = Outputs['connections']['forAgent'][number];

/** A school's connections as its agent sees them: state and turn, never data. */
export function ConnectionsOfSchool({ rows }: { rows: readonly Row[] }) {
  const t = useTranslations('schools.school');
  const words = useTranslations('connections');
  const columns: Column<Row>[] = [
    {
      id: 'connection',
      header: t('connection'),
      cell: (row) => (
        <>
          <span className="font-semibold">
            {t(row.system.kind === 'sis' ? 'edgeSis' : 'edgeLms', { system: row.system.name })}
          </span>
          <span className="block text-ink-2 text-sm">{words(`next.${row.next}`, { system: row.system.name })}</span>
        </>
      ),
      sortBy: (row) => row.system.name,
    },
    {
      id: 'state',
      header: t('state'),
      cell: (row) => (
        <StateBadge look={lookOfConnection(row.state, row.cause, row.turn)}>{words(`state.${row.state}`)}</StateBadge>
      ),
      sortBy: (row) => row.state,
    },
    {
      id: 'turn',
      header: t('turn'),
      cell: (row) => (row.turn === 'nobody' ? '–' : words(`turn.${row.turn}`)),
      wideOnly: true,
    },
    {
      id: 'since',
      header: t('since'),
      cell: (row) => <RelativeTime at={row.since} />,
      sortBy: (row) => row.since.getTime(),
      wideOnly: true,
    },
  ];
  return (
    <DataTable
      rows={rows}
      columns={columns}
      rowId={(row) => row.connectionId}
      caption={t('caption')}
      name="connections"
    />
  );
}
