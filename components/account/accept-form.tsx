'use client';

import { useTranslations } from 'next-intl';
import { useActionState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { untouched } from './form-state.ts';
import { NewPasswordField } from './new-password-field.tsx';
import { Problem } from './problem.tsx';
import { acceptByForm } from './sign-in-actions.ts';

/** Makes the account of a new person. The address is the one that was invited; only a printed link asks for one. */
export function AcceptForm({ token, email, name }: { token: string; email: string | null; name: string }) {
  const t = useTranslations('people.invitation');
  const errors = useTranslations('errors');
  const [state, action, pending] = useActionState(acceptByForm, { ...untouched, name });
  return (
    <form action={action} className="grid gap-4">
      <input type="hidden" name="token" value={token} />
      {state.code !== null && state.password === null && (
        <Problem>{state.code === 'not-signed-in' ? t('accountFirst') : errors(state.code)}</Problem>
      )}
      <Field label={t('email')} hint={email === null ? undefined : t('emailHint')}>
        {email === null ? (
          <Input
            name="email"
            type="email"
            autoComplete="username"
            defaultValue={state.email}
            required
            maxLength={254}
          />
        ) : (
          <Input type="email" autoComplete="username" value={email} readOnly />
        )}
      </Field>
      <Field label={t('name')} hint={t('nameHint')}>
        <Input name="name" autoComplete="name" defaultValue={state.name} required maxLength={200} />
      </Field>
      <NewPasswordField problem={state.password} />
      <div>
        <Button type="submit" variant="primary" pending={pending}>
          {t('makeAccount')}
        </Button>
      </div>
    </form>
  );
}
