import type { Scope } from '#db/schema/vocabulary.ts';
import { rolesOfKind } from '#server/connectors/contract.ts';
import type { StagedTable } from '#server/connectors/staged-columns.ts';

/** What a person of a school reads of in counts, diffs and thresholds, in the order in which it is applied. */
export const rosterCollections = [
  'sites',
  'terms',
  'subjects',
  'streams',
  'groups',
  'classes',
  'teachers',
  'students',
  'guardians',
  'enrolments',
  'demographics',
  'courses',
] as const;
export type RosterCollection = (typeof rosterCollections)[number];

export const isRosterCollection = (name: string): name is RosterCollection =>
  rosterCollections.some((collection) => collection === name);

/** Where each collection rests: groups and classes in one table, people of every kind in another. */
export const tableNames = [
  'sites',
  'terms',
  'subjects',
  'groups',
  'people',
  'enrolments',
  'demographics',
  'courses',
] as const satisfies readonly StagedTable[];
export type TableName = (typeof tableNames)[number];

/** The table that a fetched collection is staged in. */
export const stagedIn = {
  sites: 'sites',
  terms: 'terms',
  subjects: 'subjects',
  groups: 'groups',
  teachers: 'people',
  students: 'people',
  guardians: 'people',
  enrolments: 'enrolments',
  demographics: 'demographics',
  courses: 'courses',
} as const satisfies Record<string, TableName>;

/** What a live grant of a scope lets us keep. Sites and terms are what the rest is filed under. */
const keptBy: Partial<Record<Scope, readonly RosterCollection[]>> = {
  'roster.subjects': ['sites', 'terms', 'subjects'],
  'roster.streams': ['sites', 'streams'],
  'roster.groups': ['sites', 'terms', 'groups'],
  'roster.classes': ['sites', 'terms', 'classes'],
  'roster.teachers': ['sites', 'teachers'],
  'roster.students': ['sites', 'students'],
  'roster.guardians': ['sites', 'guardians'],
  'roster.demographics': ['demographics'],
  'lms.courses': ['courses'],
};

const has = (scopes: readonly string[], ...some: readonly Scope[]) => some.some((scope) => scopes.includes(scope));

/** The collections that rest in the roster under a union of scopes; everything else is purged. */
export function collectionsKept(scopes: readonly string[]): ReadonlySet<RosterCollection> {
  const union = new Set<string>(scopes);
  const kept = new Set(
    Object.entries(keptBy).flatMap(([scope, collections]) => (union.has(scope) ? [...(collections ?? [])] : [])),
  );
  // Who is in which group: only where both may be known.
  if (has(scopes, 'roster.students', 'roster.teachers') && has(scopes, 'roster.groups', 'roster.classes')) {
    kept.add('enrolments');
  }
  // Demographics are nobody's without the people.
  if (!has(scopes, 'roster.students', 'roster.teachers')) kept.delete('demographics');
  return kept;
}

/** The tables in which something may rest under these collections. */
export function tablesKept(kept: ReadonlySet<RosterCollection>): ReadonlySet<TableName> {
  return new Set(
    [...kept].flatMap((collection) => {
      if (collection === 'streams') return [];
      return collection === 'classes' ? (['groups'] as const) : [stagedIn[collection]];
    }),
  );
}

/** The kinds of person, and of group, that may rest under these collections. */
export const personKindsKept = (kept: ReadonlySet<RosterCollection>): readonly (keyof typeof rolesOfKind)[] => [
  ...(kept.has('students') ? (['student'] as const) : []),
  ...(kept.has('teachers') ? (['teacher'] as const) : []),
  ...(kept.has('guardians') ? (['guardian'] as const) : []),
];
export const groupKindsKept = (kept: ReadonlySet<RosterCollection>): readonly ('group' | 'class')[] => [
  ...(kept.has('groups') ? (['group'] as const) : []),
  ...(kept.has('classes') ? (['class'] as const) : []),
];
/** Roles of people, in the standard's words, and roles of enrolments. */
export const personRolesKept = (kept: ReadonlySet<RosterCollection>): readonly string[] =>
  personKindsKept(kept).flatMap((kind) => rolesOfKind[kind]);
export const enrolmentRolesKept = (kept: ReadonlySet<RosterCollection>): readonly string[] =>
  personKindsKept(kept).filter((kind) => kind !== 'guardian');

/** The kind of person that a scope lets us keep, where it lets us keep one. */
export const personKindOfScope: Readonly<Record<string, string>> = {
  'roster.students': 'student',
  'roster.teachers': 'teacher',
  'roster.guardians': 'guardian',
};

/** Single fields that an approver may leave out, and the staged table in which each stands. */
export const narrowableFields = {
  email: 'people',
  username: 'people',
  phone: 'people',
  sms: 'people',
  identifier: 'people',
  birth_date: 'demographics',
} as const satisfies Record<string, TableName>;

/** A live grant, as far as it says what may be kept. */
export interface GrantedFields {
  readonly scopes: readonly string[];
  /** `scope:field`. */
  readonly withoutFields: readonly string[];
}

/** The fields that no live grant of a scope leaves in: `scope:field`, as in a grant. */
export function fieldsLeftOut(grants: readonly GrantedFields[]): ReadonlySet<string> {
  const left = new Set<string>();
  const candidates = new Set(grants.flatMap((grant) => grant.withoutFields));
  for (const candidate of candidates) {
    const scope = candidate.slice(0, candidate.indexOf(':'));
    const wanting = grants.filter((grant) => grant.scopes.includes(scope));
    if (wanting.every((grant) => grant.withoutFields.includes(candidate))) left.add(candidate);
  }
  return left;
}
