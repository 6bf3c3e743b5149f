'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';

/** The school's consent to another agent. */
export function MoveCard({ agreement, mayAnswer }: { agreement: ShownAgreement; mayAnswer: boolean }) {
  const t = useTranslations('agreements.move');
  const trpc = useTRPC();
  const router = useRouter();
  const answer = useMutation(
    trpc.agreements.answerMove.mutationOptions({
      onSuccess: ({ answer: given }) => {
        toast.success(t(given));
        router.refresh();
      },
    }),
  );
  const { move } = agreement;
  if (move === null) return null;
  const key = { schoolId: agreement.schoolId, agreementId: agreement.id, moveId: move.id };
  return (
    <Card className="grid gap-4 border-l-4 border-l-wait print:hidden">
      <h2>{t('title', { to: move.toAgentName })}</h2>
      <p>{t('body', { to: move.toAgentName, reason: move.reason })}</p>
      <ErrorNotice error={answer.error} />
      {mayAnswer && (
        <div className="flex flex-wrap gap-2">
          <Button
            variant="primary"
            pending={answer.isPending}
            onClick={() => answer.mutate({ ...key, answer: 'consented' })}
          >
            {t('consent')}
          </Button>
          <Button disabled={answer.isPending} onClick={() => answer.mutate({ ...key, answer: 'refused' })}>
            {t('refuse')}
          </Button>
        </div>
      )}
    </Card>
  );
}
