'use client';

import { useTranslations } from 'next-intl';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';

const problems = ['too-short', 'too-long', 'too-simple', 'about-you'] as const;

/** A new password: what makes a good one, and what is wrong with this one. */
export function NewPasswordField({ problem, name = 'password' }: { problem: string | null; name?: string }) {
  const t = useTranslations('people.newPassword');
  const known = problems.find((one) => one === problem);
  return (
    <Field label={t('label')} hint={t('hint')} error={known === undefined ? undefined : t(`problems.${known}`)}>
      <Input name={name} type="password" autoComplete="new-password" minLength={12} maxLength={200} required />
    </Field>
  );
}
