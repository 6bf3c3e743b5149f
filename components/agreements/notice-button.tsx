'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';
import { ReasonDialog } from './reason-dialog.tsx';

/** Notice by whichever side the reader is. */
export function NoticeButton({ agreement, agentId }: { agreement: ShownAgreement; agentId?: string }) {
  const t = useTranslations('agreements');
  const trpc = useTRPC();
  const router = useRouter();
  const notice = useMutation(trpc.agreements.giveNotice.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <ReasonDialog
      danger
      trigger={<Button>{t('act.notice')}</Button>}
      title={t('act.noticeTitle')}
      description={t('act.noticeBody', { days: agreement.graceDays })}
      submit={t('act.noticeSubmit')}
      error={isAbout(notice.error, 'endsOn') ? null : notice.error}
      pending={notice.isPending}
      onSubmit={(form) =>
        notice.mutateAsync({
          schoolId: agreement.schoolId,
          agreementId: agreement.id,
          ...(agentId === undefined ? {} : { agentId }),
          endsOn: String(form.get('endsOn')),
          reason: String(form.get('reason')),
        })
      }
    >
      <Field
        label={t('act.endsOn')}
        error={isAbout(notice.error, 'endsOn') ? t('problems.endsOn', { latest: agreement.endsOn }) : null}
      >
        <Input
          type="date"
          name="endsOn"
          required
          min={agreement.today}
          max={agreement.endsOn}
          defaultValue={agreement.endsOn}
        />
      </Field>
    </ReasonDialog>
  );
}
