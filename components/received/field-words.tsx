'use client';

import { useTranslations } from 'next-intl';

/** A column of a received record as people call it; one that has no words yet by its own name. */
export function useFieldWords(): (field: string) => string {
  const t = useTranslations('sync.field');
  return (field) => (t.has(field) ? t(field) : field.replaceAll('_', ' '));
}

interface FieldChange {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What changed, a line for each field: before, then after. */
export function FieldChanges({ fields }: { fields: readonly FieldChange[] }) {
  const t = useTranslations('sync');
  const word = useFieldWords();
  const value = (text: string | null) =>
    text === null ? <span className="text-ink-2">{t('diff.nothing')}</span> : <span>{text}</span>;
  return (
    <ul className="grid gap-1 text-sm">
      {fields.map(({ field, before, after }) => (
        <li key={field} className="[overflow-wrap:anywhere]">
          <span className="text-ink-2">{word(field)}: </span>
          <del className="decoration-fail/60">
            <span className="sr-only">{t('diff.before')} </span>
            {value(before)}
          </del>
          <span aria-hidden> → </span>
          <ins className="font-semibold no-underline">
            <span className="sr-only">{t('diff.after')} </span>
            {value(after)}
          </ins>
        </li>
      ))}
    </ul>
  );
}
