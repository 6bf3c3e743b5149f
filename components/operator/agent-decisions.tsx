'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import type { Outputs } from '#components/trpc/types.ts';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

type Agent = Outputs['organisations']['viewAgent'];

/** Reviewing, suspending and resuming an agent. */
export function AgentDecisions({ agent }: { agent: Agent }) {
  const decisions = [
    ...(agent.reviewedAt === null ? (['review'] as const) : []),
    agent.suspendedAt === null ? ('suspend' as const) : ('resume' as const),
  ];
  return decisions.map((decision) => <Decide key={decision} agent={agent} decision={decision} />);
}

function Decide({ agent, decision }: { agent: Agent; decision: 'review' | 'suspend' | 'resume' }) {
  const t = useTranslations('organisations.agent');
  const trpc = useTRPC();
  const router = useRouter();
  const decide = useMutation(trpc.organisations.decideAgent.mutationOptions({ onSuccess: () => router.refresh() }));
  const suspend = decision === 'suspend';
  return (
    <ConfirmDialog
      danger={suspend}
      trigger={<Button variant={suspend ? 'danger' : 'primary'}>{t(decision)}</Button>}
      title={t(`${decision}Title`, { name: agent.name })}
      description={t(`${decision}Body`)}
      confirm={t(decision)}
      onConfirm={() => decide.mutateAsync({ agentId: agent.agentId, decision })}
    >
      <ErrorNotice error={decide.error} />
    </ConfirmDialog>
  );
}
