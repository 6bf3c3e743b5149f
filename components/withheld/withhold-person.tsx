'use client';

import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Textarea } from '#components/ui/input.tsx';

/** The button on a person's page that withholds him; asks once, with room for why. */
export function WithholdPerson({
  schoolId,
  personId,
  name,
  onDone,
}: {
  schoolId: string;
  personId: string;
  name: string;
  /** He is gone from the roster: where to go next is the page's. */
  onDone: () => void;
}) {
  const trpc = useTRPC();
  const t = useTranslations('withheld');
  const common = useTranslations('common');
  const queryClient = useQueryClient();
  const [reason, setReason] = useState('');
  const withhold = useMutation(
    trpc.withheld.withhold.mutationOptions({
      onSuccess: () => {
        toast.success(t('person.done', { name }));
        onDone();
        void queryClient.invalidateQueries({ queryKey: trpc.withheld.pathKey() });
      },
    }),
  );
  return (
    <ConfirmDialog
      trigger={<Button>{t('person.open')}</Button>}
      title={t('person.title', { name })}
      description={t('person.body', { name })}
      confirm={t('person.submit', { name })}
      onConfirm={() => withhold.mutateAsync({ schoolId, personId, reason })}
    >
      <Field label={t('reason')} hint={t('reasonHint')} optional={common('optional')}>
        <Textarea value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
      </Field>
      <ErrorNotice error={withhold.error} />
    </ConfirmDialog>
  );
}
