'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import type { ShownAgreement } from '#components/agreements/agreement-paper.tsx';
import { ReasonDialog } from '#components/agreements/reason-dialog.tsx';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';

/** Asks the school whether an agreement may move to another agent. */
export function MoveButton({
  agreement,
  agents,
}: {
  agreement: ShownAgreement;
  agents: readonly { agentId: string; name: string }[];
}) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const router = useRouter();
  const propose = useMutation(
    trpc.agreements.proposeMove.mutationOptions({
      onSuccess: () => {
        toast.success(t('movedAsked'));
        router.refresh();
      },
    }),
  );
  return (
    <ReasonDialog
      trigger={<Button>{t('move')}</Button>}
      title={t('moveTitle')}
      description={t('moveBody')}
      submit={t('moveSubmit')}
      error={propose.error}
      pending={propose.isPending}
      onSubmit={(form) =>
        propose.mutateAsync({
          schoolId: agreement.schoolId,
          agreementId: agreement.id,
          toAgentId: String(form.get('toAgentId')),
          reason: String(form.get('reason')),
        })
      }
    >
      <Field label={t('moveTo')}>
        <Select name="toAgentId" required>
          {agents.map((agent) => (
            <option key={agent.agentId} value={agent.agentId}>
              {agent.name}
            </option>
          ))}
        </Select>
      </Field>
    </ReasonDialog>
  );
}
