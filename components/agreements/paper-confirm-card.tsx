'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';

/** Whether the scan is the school's own signature. */
export function PaperConfirmCard({ agreement, documents }: { agreement: ShownAgreement; documents: string }) {
  const t = useTranslations('agreements.paperConfirm');
  const trpc = useTRPC();
  const router = useRouter();
  const answer = useMutation(
    trpc.agreements.answerPaperSignature.mutationOptions({ onSuccess: () => router.refresh() }),
  );
  const { scan } = agreement;
  if (scan === null) return null;
  const say = (what: 'confirm' | 'refuse') =>
    answer.mutate({
      schoolId: agreement.schoolId,
      agreementId: agreement.id,
      textHash: agreement.textHash,
      scanDocumentId: scan.id,
      answer: what,
    });
  return (
    <Card className="grid gap-4 border-l-4 border-l-wait print:hidden">
      <h2>{t('title')}</h2>
      <p>
        {t('body', {
          by: agreement.paperEnteredByName ?? agreement.agentName ?? '',
          name: agreement.signedName ?? '',
          day: agreement.paperSignedOn ?? '',
        })}
      </p>
      <a href={`${documents}/${scan.id}`} className="underline">
        {t('see')}
      </a>
      <ErrorNotice error={answer.error} />
      <div className="flex flex-wrap gap-2">
        <Button variant="primary" pending={answer.isPending} onClick={() => say('confirm')}>
          {t('confirm')}
        </Button>
        <Button variant="danger" disabled={answer.isPending} onClick={() => say('refuse')}>
          {t('refuse')}
        </Button>
      </div>
    </Card>
  );
}
