/** Oddities of providers that are read nevertheless; each has its sentence in messages/<locale>/sync.json `deviation`. */
export const deviationKeys = [
  'another-type-for-list',
  'another-type-for-text',
  'boolean-as-number',
  'boolean-not-text',
  'boolean-unreadable',
  'class-type-missing',
  'class-without-term',
  'control-characters',
  'course-code-missing',
  'date-ignored',
  'delta-filter-blind',
  'delta-filter-by-day',
  'delta-filter-ignored',
  'delta-filter-refused',
  'duplicate-record',
  'enabled-missing',
  'end-as-not-found',
  'envelope-missing',
  'envelope-name',
  'family-name-missing',
  'given-name-missing',
  'grades-in-words',
  'identifier-missing',
  'limit-ignored',
  'limit-refused',
  'link-missing',
  'modified-in-future',
  'modified-missing',
  'moment-unreadable',
  'moment-without-zone',
  'next-link-drops-filter',
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
  'role-as-object',
  'role-endpoint-missing',
  'role-filter-ignored',
  'role-filter-refused',
  'role-missing',
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
  'user-id-without-type',
  'username-empty',
  'vocabulary-case',
  'vocabulary-unknown',
] as const;
export type DeviationKey = (typeof deviationKeys)[number];

/** The system does not tell apart what changed since a moment: a delta of it proves nothing. */
export const deltaDeviations: readonly DeviationKey[] = [
  'delta-filter-blind',
  'delta-filter-ignored',
  'delta-filter-refused',
];

/** Collects the deviations of a page, each once. */
export interface Deviations {
  note(key: DeviationKey): void;
  list(): readonly DeviationKey[];
}

export function createDeviations(): Deviations {
  const keys = new Set<DeviationKey>();
  return { note: (key) => void keys.add(key), list: () => [...keys] };
}
