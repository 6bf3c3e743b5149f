'use client';

import { useTranslations } from 'next-intl';
import { useActionState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { untouched } from './form-state.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { Problem } from './problem.tsx';
import { resetByForm } from './sign-in-actions.ts';

export function ResetForm({ token }: { token: string }) {
  const t = useTranslations('people.reset');
  const errors = useTranslations('errors');
  const [state, action, pending] = useActionState(resetByForm, untouched);
  return (
    <form action={action} className="grid gap-4">
      <input type="hidden" name="token" value={token} />
      <p className="text-ink-2">{t('newLead')}</p>
      {state.code !== null && state.password === null && <Problem>{errors(state.code)}</Problem>}
      <NewPasswordField problem={state.password} />
      <div>
        <Button type="submit" variant="primary" pending={pending}>
          {t('newSubmit')}
        </Button>
      </div>
    </form>
  );
}
