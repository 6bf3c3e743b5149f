'use client';

import { useTranslations } from 'next-intl';
import { Field } from '#components/ui/field.tsx';
import { Input } from '#components/ui/input.tsx';

export interface TypedStream {
  readonly name: string;
  readonly programme: string;
  readonly level: string;
  readonly year: string;
}
export const blankStream: TypedStream = { name: '', programme: '', level: '', year: '' };

/** Name, programme, level and year of a stream; what was derived stands behind an empty one. */
export function FacetFields({
  typed,
  derived,
  nameError,
  onChange,
}: {
  typed: TypedStream;
  derived: Readonly<Record<keyof TypedStream, string | null>> | null;
  nameError: string | null;
  onChange: (typed: TypedStream) => void;
}) {
  const t = useTranslations('streams');
  const field = (name: keyof TypedStream, error: string | null = null) => (
    <Field label={t(name)} error={error}>
      <Input
        value={typed[name]}
        maxLength={120}
        placeholder={derived?.[name] == null ? undefined : t('derived', { value: derived[name] })}
        onChange={(event) => onChange({ ...typed, [name]: event.target.value })}
      />
    </Field>
  );
  return (
    <>
      {field('name', nameError)}
      <div className="grid gap-3 sm:grid-cols-3">
        {field('programme')}
        {field('level')}
        {field('year')}
      </div>
    </>
  );
}
