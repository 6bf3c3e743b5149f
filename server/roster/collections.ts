import type { Scope } from '#db/schema/vocabulary.ts';

/** What rests in the roster: what connectors read, and streams, which are derived. */
export const rosterCollections = ['sites', 'terms', 'subjects', 'streams', 'groups', 'courses'] as const;
export type RosterCollection = (typeof rosterCollections)[number];

/** The PostgreSQL types that a staged record's content is read back with. */
type ColumnType = 'text' | 'text[]';

/**
 * Each collection's table and its own columns, as data: what is staged, compared and written follows from here. A test holds it to
 * db/schema/roster.ts.
 */
export const rosterTables: Readonly<
  Record<RosterCollection, { readonly table: string; readonly columns: Readonly<Record<string, ColumnType>> }>
> = {
  sites: {
    table: 'roster_site',
    columns: { name: 'text', kind: 'text', identifier: 'text', parent_source_id: 'text' },
  },
  terms: {
    table: 'roster_term',
    columns: {
      name: 'text',
      kind: 'text',
      starts_on: 'text',
      ends_on: 'text',
      school_year: 'text',
      parent_source_id: 'text',
    },
  },
  subjects: {
    table: 'roster_subject',
    columns: {
      title: 'text',
      course_code: 'text',
      grades: 'text[]',
      subjects: 'text[]',
      subject_codes: 'text[]',
      site_source_id: 'text',
      school_year_source_id: 'text',
    },
  },
  streams: {
    table: 'roster_stream',
    columns: { name: 'text', code: 'text', programme: 'text', level: 'text', year: 'text', derived_from: 'text' },
  },
  groups: {
    table: 'roster_group',
    columns: {
      kind: 'text',
      title: 'text',
      code: 'text',
      grades: 'text[]',
      subjects: 'text[]',
      subject_source_id: 'text',
      site_source_id: 'text',
      stream_source_id: 'text',
      term_source_ids: 'text[]',
    },
  },
  courses: {
    table: 'lms_course',
    columns: { name: 'text', code: 'text', sis_id: 'text', state: 'text', term_name: 'text', account_name: 'text' },
  },
};

/** What a live grant of a scope lets us keep. Sites and terms are what the rest is filed under. */
const keptBy: Partial<Record<Scope, readonly RosterCollection[]>> = {
  'roster.subjects': ['sites', 'terms', 'subjects'],
  'roster.streams': ['sites', 'streams'],
  'roster.groups': ['sites', 'terms', 'groups'],
  'roster.classes': ['sites', 'terms', 'groups'],
  'lms.courses': ['courses'],
};

/** The collections that rest in the roster under a union of scopes; everything else is purged. */
export function collectionsKept(scopes: readonly string[]): ReadonlySet<RosterCollection> {
  const union = new Set<string>(scopes);
  return new Set(
    Object.entries(keptBy).flatMap(([scope, collections]) => (union.has(scope) ? [...(collections ?? [])] : [])),
  );
}

/** Which kinds of group may be kept: home classes have a scope of their own. */
export function groupKindsKept(scopes: readonly string[]): ReadonlySet<'group' | 'class'> {
  const kinds = new Set<'group' | 'class'>();
  if (scopes.includes('roster.groups')) kinds.add('group');
  if (scopes.includes('roster.classes')) kinds.add('class');
  return kinds;
}

export const isRosterCollection = (name: string): name is RosterCollection =>
  rosterCollections.some((collection) => collection === name);
