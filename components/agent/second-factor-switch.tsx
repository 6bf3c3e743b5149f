'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';

/** Whether everybody of an agent, or, without `agentId`, of the operator, needs a second factor. */
export function SecondFactorSwitch({ agentId, required }: { agentId?: string; required: boolean }) {
  const t = useTranslations('schools.people');
  const trpc = useTRPC();
  const router = useRouter();
  const refresh = { onSuccess: () => router.refresh() };
  const ofAgent = useMutation(trpc.people.requireAgentSecondFactor.mutationOptions(refresh));
  const ofOperator = useMutation(trpc.people.requireOperatorSecondFactor.mutationOptions(refresh));
  return (
    <div className="grid gap-3">
      <p className="text-ink-2">{t('secondBody')}</p>
      <p className="font-semibold">{t(required ? 'secondOn' : 'secondOff')}</p>
      <div>
        <Button
          pending={ofAgent.isPending || ofOperator.isPending}
          onClick={() =>
            agentId === undefined
              ? ofOperator.mutate({ required: !required })
              : ofAgent.mutate({ agentId, required: !required })
          }
        >
          {t(required ? 'unrequire' : 'require')}
        </Button>
      </div>
      <ErrorNotice error={ofAgent.error ?? ofOperator.error} />
    </div>
  );
}
