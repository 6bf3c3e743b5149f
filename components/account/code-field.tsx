'use client';

import { useTranslations } from 'next-intl';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';

/** Six digits of the app, or one of the recovery codes. */
export function CodeField({
  recovery = false,
  value,
  onChange,
  error,
}: {
  recovery?: boolean;
  value: string;
  onChange: (value: string) => void;
  error?: string;
}) {
  const t = useTranslations('people.secondFactor');
  return (
    <Field
      label={recovery ? t('recoveryLabel') : t('codeLabel')}
      hint={recovery ? t('recoveryHint') : t('codeHint')}
      error={error}
    >
      <Input
        name="code"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        autoComplete={recovery ? 'off' : 'one-time-code'}
        inputMode={recovery ? 'text' : 'numeric'}
        autoCapitalize="none"
        spellCheck={false}
        maxLength={40}
        required
        className="font-mono text-lg tracking-widest"
      />
    </Field>
  );
}
