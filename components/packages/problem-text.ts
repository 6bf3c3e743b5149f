'use client';

import { useTranslations } from 'next-intl';

/** The sentence for a code with its places: what happened and what to do. */
export function useProblemText(): (code: string, details?: Readonly<Record<string, unknown>>) => string {
  const t = useTranslations('errors');
  return (code, details = {}) => {
    const values: Record<string, string | number> = {};
    for (const [key, value] of Object.entries(details)) {
      if (typeof value === 'string' || typeof value === 'number') values[key] = value;
      else if (Array.isArray(value)) values[key] = value.join(', ');
    }
    // Sentences choose by these whether or not they are known.
    for (const key of ['file', 'line', 'column', 'found']) values[key] ??= 'none';
    return t.has(code) ? t(code, values) : t('internal');
  };
}

/** Why a line or file of a package was left out. */
export function useAsideReason(): (reason: string, place: { file: string | null; column: string | null }) => string {
  const csv = useTranslations('oneroster-csv.reason');
  const sync = useTranslations('sync.reason');
  const problem = useProblemText();
  return (reason, place) => {
    if (csv.has(reason)) return csv(reason);
    return sync.has(reason) ? sync(reason) : problem(reason, { ...place });
  };
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size for a reader, in steps of 1000. */
export function inUnits(bytes: number): { readonly value: number; readonly unit: (typeof units)[number] } {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return { value: Math.round(value * 10) / 10, unit: units[step] ?? 'byte' };
}
