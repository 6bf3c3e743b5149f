'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Card } from '#components/ui/card.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Checkbox, Input } from '#components/ui/input.tsx';
import type { ShownAgreement } from './agreement-paper.tsx';
import { ReasonDialog } from './reason-dialog.tsx';

/** The signatory's place: his name under exactly the text of this page, or a reason why not. */
export function SignCard({ agreement, name }: { agreement: ShownAgreement; name: string }) {
  const t = useTranslations('agreements');
  const trpc = useTRPC();
  const router = useRouter();
  const [agreed, setAgreed] = useState(false);
  const [missing, setMissing] = useState(false);
  const key = { schoolId: agreement.schoolId, agreementId: agreement.id };
  const school = agreement.schoolName ?? '';
  const sign = useMutation(
    trpc.agreements.sign.mutationOptions({
      onSuccess: () => {
        toast.success(t('sign.done'));
        router.refresh();
      },
    }),
  );
  const decline = useMutation(trpc.agreements.decline.mutationOptions({ onSuccess: () => router.refresh() }));
  return (
    <Card className="grid gap-4 border-l-4 border-l-wait print:hidden">
      <h2>{t('sign.title')}</h2>
      <p className="text-ink-2">{t('sign.lead', { school })}</p>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(!agreed);
          if (!agreed) return;
          const form = new FormData(event.currentTarget);
          sign.mutate({ ...key, textHash: agreement.textHash, name: String(form.get('name')) });
        }}
      >
        <Field
          label={t('sign.name')}
          hint={t('sign.nameHint')}
          error={isAbout(sign.error, 'name') ? t('problems.name') : null}
        >
          <Input name="name" required maxLength={120} autoComplete="name" defaultValue={name} />
        </Field>
        <div>
          <Checkbox
            name="agree"
            label={t('sign.agree', { school })}
            checked={agreed}
            aria-invalid={missing}
            onChange={(event) => {
              setAgreed(event.target.checked);
              setMissing(false);
            }}
          />
          {missing && (
            <p role="alert" className="font-semibold text-fail text-sm">
              {t('sign.agreeMissing')}
            </p>
          )}
        </div>
        {sign.error !== null && !isAbout(sign.error, 'name') && <ErrorNotice error={sign.error} />}
        <Button type="submit" variant="primary" pending={sign.isPending}>
          {t('sign.submit')}
        </Button>
      </form>
      <ReasonDialog
        danger
        trigger={<Button>{t('act.decline')}</Button>}
        title={t('act.declineTitle')}
        description={t('act.declineBody')}
        submit={t('act.declineSubmit')}
        error={decline.error}
        pending={decline.isPending}
        onSubmit={(form) => decline.mutateAsync({ ...key, reason: String(form.get('reason')) })}
      />
    </Card>
  );
}
