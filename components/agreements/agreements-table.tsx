'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import type { Outputs } from '#components/trpc/types.ts';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { Day } from '#components/ui/relative-time.tsx';
import { AgreementStateBadge } from './agreement-state.tsx';

type Row = Outputs['agreements']['list']['agreements'][number];

/** The agreements of one school. `base` is where each has its page. */
export function AgreementsTable({ rows, base, empty }: { rows: readonly Row[]; base: string; empty: ReactNode }) {
  const t = useTranslations('agreements');
  const columns: Column<Row>[] = [
    {
      id: 'agreement',
      header: t('list.agreement'),
      cell: (row) => (
        <Link href={`${base}/${row.id}`} className="font-semibold">
          {row.agentName === null ? t('list.standardName') : t('list.with', { agent: row.agentName })}
        </Link>
      ),
      sortBy: (row) => row.agentName ?? '',
    },
    {
      id: 'state',
      header: t('list.state'),
      cell: (row) => <AgreementStateBadge state={row.state} />,
      sortBy: (row) => row.state,
    },
    {
      id: 'turn',
      header: t('list.turn'),
      cell: (row) => (row.turn === 'nobody' ? '–' : t(`turn.${row.turn}`)),
      wideOnly: true,
    },
    {
      id: 'term',
      header: t('list.term'),
      cell: (row) => (
        <span className="whitespace-nowrap max-md:whitespace-normal">
          <Day on={row.termStart} /> – <Day on={row.endsOn} />
        </span>
      ),
      sortBy: (row) => row.endsOn,
      wideOnly: true,
    },
  ];
  return (
    <DataTable
      rows={rows}
      columns={columns}
      rowId={(row) => row.id}
      caption={t('list.caption')}
      name="agreements"
      empty={empty}
    />
  );
}
