'use client';

import Link from 'next/link';
import { useTranslations } from 'next-intl';
import { useActionState } from 'react';
import { Button } from '#components/ui/button.tsx';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';
import { untouched } from './form-state.ts';
import { Problem } from './problem.tsx';
import { signInByForm } from './sign-in-actions.ts';

/** Works before its script has loaded, too. After too many tries it takes the second factor along with the password. */
export function SignInForm({ next, email }: { next: string; email: string }) {
  const t = useTranslations('people.signIn');
  const errors = useTranslations('errors');
  const [state, action, pending] = useActionState(signInByForm, { ...untouched, email });
  return (
    <form action={action} className="grid gap-4">
      <input type="hidden" name="next" value={next} />
      {state.code !== null && (
        <Problem>
          {state.code === 'rate-limited' ? t('rateLimited', { seconds: state.seconds ?? 1 }) : errors(state.code)}
        </Problem>
      )}
      <Field label={t('email')}>
        <Input
          name="email"
          type="email"
          autoComplete="username"
          defaultValue={state.email}
          key={state.email}
          required
          maxLength={254}
        />
      </Field>
      <Field label={t('password')}>
        <Input name="password" type="password" autoComplete="current-password" required maxLength={1000} />
      </Field>
      {state.code === 'rate-limited' && (
        <Field label={t('code')} hint={t('codeHint')}>
          <Input name="code" autoComplete="one-time-code" maxLength={40} />
        </Field>
      )}
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Button type="submit" variant="primary" pending={pending}>
          {t('submit')}
        </Button>
        <Link href="/reset-password" className="underline">
          {t('forgotten')}
        </Link>
      </div>
    </form>
  );
}
