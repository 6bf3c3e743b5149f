'use client';

import { useMutation } from '@tanstack/react-query';
import { useTranslations } from 'next-intl';
import { useState } from 'react';
import { useTRPC } from '#components/trpc/client.tsx';
import { Button } from '#components/ui/button.tsx';
import { Section } from '#components/ui/card.tsx';
import { ConfirmDialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Select } from '#components/ui/input.tsx';
import { pushEndings } from '#db/schema/vocabulary.ts';

/** The end of a connection, with what becomes of what is ours over there. */
export function EndingDialog({
  schoolId,
  connectionId,
  lms,
  onChosen,
}: {
  schoolId: string;
  connectionId: string;
  lms: string;
  onChosen: () => Promise<unknown>;
}) {
  const trpc = useTRPC();
  const t = useTranslations('push');
  const [ending, setEnding] = useState<(typeof pushEndings)[number]>('leave');
  const choose = useMutation(trpc.push.chooseEnding.mutationOptions({ onSuccess: onChosen }));
  return (
    <Section title={t('ending.title')}>
      <div className="grid gap-3">
        <Field label={t('ending.question', { lms })} hint={t(`ending.${ending}.hint`, { lms })}>
          <Select
            value={ending}
            onChange={(event) => {
              const chosen = pushEndings.find((one) => one === event.target.value);
              if (chosen !== undefined) setEnding(chosen);
            }}
          >
            {pushEndings.map((value) => (
              <option key={value} value={value}>
                {t(`ending.${value}.label`)}
              </option>
            ))}
          </Select>
        </Field>
        <ErrorNotice error={choose.error} />
        <ConfirmDialog
          trigger={
            <Button variant="danger" className="justify-self-start">
              {t('ending.act')}
            </Button>
          }
          title={t('ending.confirmTitle', { lms })}
          description={t(`ending.${ending}.hint`, { lms })}
          confirm={t(`ending.${ending}.confirm`)}
          danger
          onConfirm={() => choose.mutateAsync({ schoolId, connectionId, ending })}
        />
      </div>
    </Section>
  );
}
