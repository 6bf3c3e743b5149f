'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useActionState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { untouched } from './form-state.ts';
import { Problem } from './problem.tsx';
import { askForReset } from './sign-in-actions.ts';

/** Says the same whether or not there is such an account. */
export function AskForResetForm() {
  const t = useTranslations('people.reset');
  const errors = useTranslations('errors');
  const [state, action, pending] = useActionState(askForReset, untouched);
  if (state.done) {
    return (
      <div role="status" className="grid gap-3">
        <p>{t('sent', { email: state.email })}</p>
        <p className="text-ink-2">{t('sentHint')}</p>
        <p>
          <Link href="/sign-in" className="underline">
            {t('back')}
          </Link>
        </p>
      </div>
    );
  }
  return (
    <form action={action} className="grid gap-4">
      <p className="text-ink-2">{t('lead')}</p>
      {state.code !== null && <Problem>{errors(state.code)}</Problem>}
      <Field label={t('email')}>
        <Input name="email" type="email" autoComplete="username" defaultValue={state.email} required maxLength={254} />
      </Field>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Button type="submit" variant="primary" pending={pending}>
          {t('submit')}
        </Button>
        <Link href="/sign-in" className="underline">
          {t('back')}
        </Link>
      </div>
    </form>
  );
}
