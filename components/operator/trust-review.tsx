'use client';

import { useMutation } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { isAbout } from '#components/schools/problems.ts';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input, Textarea } from '#components/ui/input.tsx';

interface ReviewProps {
  readonly schoolId: string;
  readonly school: string;
  /** Exactly the people on the page: the decision names them. */
  readonly userIds: readonly string[];
}

/** Two answers to "do these people act for this school". */
export function TrustReview(props: ReviewProps) {
  return (
    <div className="flex flex-wrap gap-2">
      <ReviewDialog {...props} decision="trust" />
      <ReviewDialog {...props} decision="refuse" />
    </div>
  );
}

function ReviewDialog({ schoolId, school, userIds, decision }: ReviewProps & { decision: 'trust' | 'refuse' }) {
  const t = useTranslations('operations.review');
  const common = useTranslations('common');
  const trpc = useTRPC();
  const router = useRouter();
  const [open, setOpen] = useState(false);
  const review = useMutation(
    trpc.schools.reviewTrust.mutationOptions({
      onSuccess: () => {
        setOpen(false);
        router.refresh();
      },
    }),
  );
  const trust = decision === 'trust';
  return (
    <Dialog
      trigger={<Button variant={trust ? 'primary' : 'danger'}>{t(decision)}</Button>}
      title={t(trust ? 'trustTitle' : 'refuseTitle', { school })}
      description={t(trust ? 'trustBody' : 'refuseBody')}
      open={open}
      onOpenChange={setOpen}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          const note = String(new FormData(event.currentTarget).get('note') ?? '');
          review.mutate({ schoolId, decision, userIds: [...userIds], note });
        }}
      >
        <Field
          label={t(trust ? 'note' : 'reason')}
          hint={t(trust ? 'noteHint' : 'reasonHint')}
          optional={trust ? common('optional') : undefined}
        >
          <Textarea name="note" required={!trust} maxLength={2000} />
        </Field>
        <ErrorNotice error={review.error} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant={trust ? 'primary' : 'danger'} pending={review.isPending}>
            {t(trust ? 'trust' : 'refuseSubmit')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The mail domain that the register gives, as the operator looked it up. */
export function RegisterDomainForm({ schoolId, domain }: { schoolId: string; domain: string | null }) {
  const t = useTranslations('operations.review');
  const trpc = useTRPC();
  const router = useRouter();
  const set = useMutation(trpc.schools.setRegisterDomain.mutationOptions({ onSuccess: () => router.refresh() }));
  const about = isAbout(set.error, 'domain');
  return (
    <form
      className="grid gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        set.mutate({ schoolId, domain: String(new FormData(event.currentTarget).get('domain') ?? '') });
      }}
    >
      <Field label={t('domain')} error={about ? t('domainProblem') : null}>
        <Input name="domain" defaultValue={domain ?? ''} placeholder="school.example" maxLength={300} />
      </Field>
      {set.error !== null && !about && <ErrorNotice error={set.error} />}
      <div>
        <Button type="submit" size="small" pending={set.isPending}>
          {t('domainSet')}
        </Button>
      </div>
    </form>
  );
}
