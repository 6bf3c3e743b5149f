'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';
import { ReasonDialog } from './reason-dialog.tsx';

/** Countersigning in the operator's name; `agentId` where an agent does it by mandate. */
export function CountersignButton({
  agreement,
  school,
  agentId,
}: {
  agreement: ShownAgreement;
  school: string;
  agentId?: string;
}) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const router = useRouter();
  const countersign = useMutation(trpc.agreements.countersign.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <ConfirmDialog
      danger={false}
      trigger={<Button variant="primary">{t('countersign')}</Button>}
      title={t('countersignTitle', { school })}
      description={t('countersignBody')}
      confirm={t('countersign')}
      onConfirm={() =>
        countersign.mutateAsync({
          schoolId: agreement.schoolId,
          agreementId: agreement.id,
          textHash: agreement.textHash,
          ...(agentId === undefined ? {} : { agentId }),
        })
      }
    >
      <ErrorNotice error={countersign.error} />
    </ConfirmDialog>
  );
}

export function RefuseCountersignatureButton({ agreement }: { agreement: ShownAgreement }) {
  const t = useTranslations('agreements.act');
  const trpc = useTRPC();
  const router = useRouter();
  const refuse = useMutation(
    trpc.agreements.refuseCountersignature.mutationOptions({ onSuccess: () => router.refresh() }),
  );
  return (
    <ReasonDialog
      danger
      trigger={<Button>{t('refuse')}</Button>}
      title={t('refuseTitle')}
      description={t('refuseBody')}
      submit={t('refuseSubmit')}
      error={refuse.error}
      pending={refuse.isPending}
      onSubmit={(form) =>
        refuse.mutateAsync({
          schoolId: agreement.schoolId,
          agreementId: agreement.id,
          reason: String(form.get('reason')),
        })
      }
    />
  );
}
