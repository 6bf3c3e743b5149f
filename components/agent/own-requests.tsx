'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { ScopeChips } from '#components/connections/scope-words.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { StateBadge, type StateLook } from '#components/ui/state-badge.tsx';

type Row = Outputs['connections']['requestsOfAsker']['requests'][number];

const looks: Record<Row['state'], StateLook> = {
  draft: 'rest',
  requested: 'wait',
  approved: 'live',
  declined: 'fail',
  withdrawn: 'rest',
  lapsed: 'rest',
  void: 'rest',
};

/** What this agent has asked of a school: drafts to send, requests that wait, answers. */
export function OwnRequests({
  rows,
  agentId,
  schoolId,
  administrator,
}: {
  rows: readonly Row[];
  agentId: string;
  schoolId: string;
  administrator: boolean;
}) {
  const t = useTranslations('schools.requests');
  return (
    <ul className="grid gap-3">
      {rows.map((row) => (
        <li key={row.id} className="grid gap-2 rounded-card border border-line bg-card px-4 py-3">
          <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
            <strong>{row.system.name}</strong>
            <StateBadge look={looks[row.state]}>{t(`state.${row.state}`)}</StateBadge>
            <span className="text-ink-2 text-sm">{t('until', { until: row.until })}</span>
          </div>
          <p className="text-ink-2">{t('purpose', { purpose: row.purpose })}</p>
          <div>
            <ScopeChips of={row.scopes.map(({ scope }) => scope)} />
          </div>
          {row.declineReason !== null && <p>{t('declined', { reason: row.declineReason })}</p>}
          <RequestActions row={row} agentId={agentId} schoolId={schoolId} administrator={administrator} />
        </li>
      ))}
    </ul>
  );
}

function RequestActions({
  row,
  agentId,
  schoolId,
  administrator,
}: {
  row: Row;
  agentId: string;
  schoolId: string;
  administrator: boolean;
}) {
  const t = useTranslations('schools.requests');
  const trpc = useTRPC();
  const router = useRouter();
  const key = { agentId, schoolId, requestId: row.id };
  const refresh = { onSuccess: () => router.refresh() };
  const send = useMutation(trpc.connections.sendRequest.mutationOptions(refresh));
  const withdraw = useMutation(trpc.connections.withdrawRequest.mutationOptions(refresh));
  if (row.state !== 'draft' && row.state !== 'requested') return null;
  const maySend = administrator || row.system.kind === 'lms';
  return (
    <>
      <ErrorNotice error={send.error} />
      {row.state === 'draft' && !maySend && <p className="text-ink-2 text-sm">{t('sendNote')}</p>}
      <div className="flex flex-wrap gap-2">
        {row.state === 'draft' && maySend && (
          <Button size="small" variant="primary" pending={send.isPending} onClick={() => send.mutate(key)}>
            {t('send')}
          </Button>
        )}
        <ConfirmDialog
          trigger={
            <Button size="small" variant="danger">
              {t('withdraw')}
            </Button>
          }
          title={t('withdrawTitle')}
          description={t('withdrawBody')}
          confirm={t('withdraw')}
          onConfirm={() => withdraw.mutateAsync(key)}
        >
          <ErrorNotice error={withdraw.error} />
        </ConfirmDialog>
      </div>
    </>
  );
}
