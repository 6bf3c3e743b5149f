'use client';

import { useTranslations } from 'next-intl';
import { type ReactNode, useState } from 'react';
import { isAbout } from '#components/schools/problems.ts';
import { Button } from '#components/ui/button.tsx';
import { Dialog } from '#components/ui/dialog.tsx';
import { ErrorNotice } from '#components/ui/error-notice.tsx';
import { Field } from '#components/ui/field.tsx';
import { Textarea } from '#components/ui/input.tsx';

interface ReasonDialogProps {
  trigger: ReactNode;
  title: string;
  description: string;
  submit: string;
  error: unknown;
  pending: boolean;
  /** Called with the form, whose `reason` is filled; resolves when it is done. */
  onSubmit: (form: FormData) => Promise<unknown>;
  danger?: boolean;
  children?: ReactNode;
}

/** An act that the other side gets a reason for. */
export function ReasonDialog({
  trigger,
  title,
  description,
  submit,
  error,
  pending,
  onSubmit,
  danger,
  children,
}: ReasonDialogProps) {
  const t = useTranslations('agreements');
  const common = useTranslations('common');
  const [open, setOpen] = useState(false);
  return (
    <Dialog trigger={trigger} title={title} description={description} open={open} onOpenChange={setOpen}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit(new FormData(event.currentTarget)).then(
            () => setOpen(false),
            // Shown below, where it arose.
            () => undefined,
          );
        }}
      >
        {children}
        <Field
          label={t('act.reason')}
          hint={t('act.reasonHint')}
          error={isAbout(error, 'reason') ? t('problems.reason') : null}
        >
          <Textarea name="reason" required maxLength={2000} />
        </Field>
        {error !== null && !isAbout(error, 'reason') && <ErrorNotice error={error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={() => setOpen(false)}>{common('cancel')}</Button>
          <Button type="submit" variant={danger === true ? 'danger' : 'primary'} pending={pending}>
            {submit}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
