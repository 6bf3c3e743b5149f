'use client';

import { useSuspenseQuery } from '@tanstack/react-query';
import { useFormatter, useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Copyable } from '#components/ui/copyable.tsx';
import { type Column, DataTable } from '#components/ui/data-table.tsx';
import { EmptyState } from '#components/ui/empty-state.tsx';
import { PageHeader } from '#components/ui/page-header.tsx';
import { Day, RelativeTime } from '#components/ui/relative-time.tsx';
import { DataParts } from './data-parts.tsx';
import { receiptsShown } from './receipts-shown.ts';

type Receipt = Outputs['connections']['receipts'][number];

const collections = [
  'students',
  'teachers',
  'guardians',
  'enrolments',
  'demographics',
  'classes',
  'groups',
  'subjects',
  'streams',
  'courses',
  'sites',
  'terms',
] as const;

/** What was deleted, destroyed or ended at the school, dated and with its reason. */
export function ReceiptList({ schoolId }: { schoolId: string }) {
  const trpc = useTRPC();
  const t = useTranslations('schoolData.receipts');
  const format = useFormatter();
  const { data: receipts } = useSuspenseQuery(
    trpc.connections.receipts.queryOptions({ schoolId, limit: receiptsShown }),
  );
  const kindOf = (receipt: Receipt) => (t.has(`kind.${receipt.kind}`) ? t(`kind.${receipt.kind}`) : receipt.kind);
  const reasonOf = (receipt: Receipt) =>
    t.has(`reason.${receipt.reason}`) ? t(`reason.${receipt.reason}`) : receipt.reason;
  const factsOf = ({ kind, facts }: Receipt): string => {
    const number = (key: string) => (typeof facts[key] === 'number' ? facts[key] : 0);
    if (kind === 'data-deleted') {
      const parts = collections
        .filter((collection) => number(collection) > 0)
        .map((collection) =>
          t('collection', { collection: t(`collections.${collection}`), count: number(collection) }),
        );
      return `${t('total', { total: number('total') })} (${format.list(parts, { type: 'unit' })})`;
    }
    if (kind === 'credential-destroyed' && typeof facts.system === 'string') {
      return t('credential', { system: facts.system });
    }
    if (kind === 'agreement-ended') return t('connections', { count: number('connections') });
    return '';
  };
  const columns: Column<Receipt>[] = [
    {
      id: 'at',
      header: t('when'),
      cell: (receipt) => (
        <>
          <span className="whitespace-nowrap max-md:whitespace-normal">
            <Day on={receipt.at} />
          </span>
          <span className="block text-ink-2 text-sm">
            <RelativeTime at={receipt.at} />
          </span>
        </>
      ),
      sortBy: (receipt) => receipt.at.getTime(),
    },
    {
      id: 'what',
      header: t('what'),
      cell: (receipt) => (
        <>
          <span className="font-semibold">{kindOf(receipt)}</span>
          <span className="block text-ink-2 text-sm">{factsOf(receipt)}</span>
          <span className="block text-ink-2 text-sm md:hidden">{reasonOf(receipt)}</span>
        </>
      ),
      sortBy: kindOf,
      searchIn: (receipt) => `${kindOf(receipt)} ${factsOf(receipt)} ${reasonOf(receipt)} ${receipt.id}`,
    },
    { id: 'why', header: t('why'), cell: reasonOf, wideOnly: true },
    {
      id: 'receipt',
      header: t('receipt'),
      cell: (receipt) => <Copyable text={receipt.id} label={t('number')} />,
      wideOnly: true,
    },
  ];
  return (
    <div className="grid gap-5">
      <div className="-mb-5">
        <PageHeader title={t('title')} standing={t('standing', { count: receipts.length })} />
      </div>
      <DataParts schoolId={schoolId} />
      {receipts.length > 0 && <p className="max-w-prose text-ink-2">{t('lead')}</p>}
      <DataTable
        rows={receipts}
        columns={columns}
        rowId={(receipt) => receipt.id}
        caption={t('caption')}
        defaultSort={{ id: 'at', desc: true }}
        empty={<EmptyState title={t('empty')}>{t('emptyBody')}</EmptyState>}
      />
    </div>
  );
}
