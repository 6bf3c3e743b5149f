/** Oddities of providers that are read nevertheless; each has its sentence in messages/<locale>/sync.json `deviation`. */
export const deviationKeys = [
  'another-type-for-list',
  'another-type-for-text',
  'class-type-missing',
  'class-without-term',
  'control-characters',
  'course-code-missing',
  'duplicate-record',
  'end-as-not-found',
  'envelope-missing',
  'envelope-name',
  'identifier-missing',
  'limit-ignored',
  'limit-refused',
  'link-missing',
  'modified-in-future',
  'modified-missing',
  'moment-unreadable',
  'moment-without-zone',
  'next-link-drops-parameters',
  'next-link-foreign',
  'next-link-missing',
  'next-link-other-path',
  'next-link-relative',
  'next-link-repeated',
  'next-link-without-tls',
  'number-for-id',
  'number-for-text',
  'offset-ignored',
  'org-type-missing',
  'reference-as-text',
  'reference-unusable',
  'reference-without-href',
  'school-year-missing',
  'short-page',
  'sis-id-not-visible',
  'sites-not-recognised',
  'sort-refused',
  'status-inactive',
  'status-missing',
  'status-unknown',
  'sub-accounts-not-readable',
  'terms-not-readable',
  'text-for-list',
  'text-not-unicode',
  'text-too-long',
  'time-behind-date',
  'title-missing',
  'total-missing',
  'total-unreadable',
  'vocabulary-case',
  'vocabulary-unknown',
] as const;
export type DeviationKey = (typeof deviationKeys)[number];

/** Collects the deviations of a page, each once. */
export interface Deviations {
  note(key: DeviationKey): void;
  list(): readonly DeviationKey[];
}

export function createDeviations(): Deviations {
  const keys = new Set<DeviationKey>();
  return { note: (key) => void keys.add(key), list: () => [...keys] };
}
