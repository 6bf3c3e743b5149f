'use client';

import { useMutation } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import type { ReactNode } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { RelativeTime } from '#components/ui/relative-time.tsx';
import { Chip } from '#components/ui/state-badge.tsx';

type Row = Outputs['agreements']['listTemplates'][number];

/** Templates in use; whoever administers changes them or takes them out of use. */
export function TemplatesTable({
  rows,
  base,
  agentId,
  mayChange,
  empty,
}: {
  rows: readonly Row[];
  base: string;
  agentId?: string;
  mayChange: boolean;
  empty: ReactNode;
}) {
  const t = useTranslations('agreements.templates');
  const columns: Column<Row>[] = [
    {
      id: 'name',
      header: t('name'),
      cell: (row) => (
        <>
          {mayChange && row.own ? (
            <Link href={`${base}/${row.id}`} className="font-semibold">
              {row.name}
            </Link>
          ) : (
            <span className="font-semibold">{row.name}</span>
          )}{' '}
          {row.standard && <Chip>{t('standard')}</Chip>}
        </>
      ),
      sortBy: (row) => row.name.toLowerCase(),
      searchIn: (row) => row.name,
    },
    {
      id: 'of',
      header: t('of'),
      cell: (row) => t(row.own ? 'ofOwn' : 'ofOperator'),
      sortBy: (row) => (row.own ? 0 : 1),
      wideOnly: true,
    },
    { id: 'version', header: t('version'), cell: (row) => row.version, numeric: true, wideOnly: true },
    {
      id: 'changed',
      header: t('changed'),
      cell: (row) => <RelativeTime at={row.createdAt} />,
      sortBy: (row) => row.createdAt.getTime(),
      wideOnly: true,
    },
    {
      id: 'acts',
      header: t('acts'),
      cell: (row) => (mayChange && row.own ? <Retire row={row} agentId={agentId} /> : null),
    },
  ];
  return <DataTable rows={rows} columns={columns} rowId={(row) => row.id} caption={t('caption')} empty={empty} />;
}

function Retire({ row, agentId }: { row: Row; agentId?: string }) {
  const t = useTranslations('agreements.templates');
  const trpc = useTRPC();
  const router = useRouter();
  const retire = useMutation(trpc.agreements.retireTemplate.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <ConfirmDialog
      trigger={<Button size="small">{t('retire')}</Button>}
      title={t('retireTitle', { name: row.name })}
      description={t('retireBody')}
      confirm={t('retire')}
      onConfirm={() => retire.mutateAsync({ templateId: row.id, ...(agentId === undefined ? {} : { agentId }) })}
    >
      <ErrorNotice error={retire.error} />
    </ConfirmDialog>
  );
}
