import { rolesOfKind } from '#server/connectors/contract.ts';
import type { RosterCollection, TableName } from './collections.ts';

/** How a column of a roster table comes from what is staged, as SQL: `s` is the staged row, `r` the one that rests. */
export interface RosterColumn {
  readonly from: string;
  /** What is compared and shown of the row that rests, where that is not the column itself. */
  readonly now?: string;
  /** The id of another row, found when the run is applied: `from` and `now` then tell its source id. */
  readonly refersTo?: 'group' | 'person';
}

/** A reason to set a staged row aside, as SQL over `s`. */
export interface Unusable {
  readonly field: string;
  readonly reason: 'name-missing' | 'date-unreadable' | 'dates-reversed' | 'reference-missing' | 'role-missing';
  readonly when: string;
}

/** A roster table as data: staging, plan, guard, apply, diff and undo all follow from here. A test holds it to db/schema/roster.ts. */
export interface RosterTable {
  readonly table: string;
  readonly columns: Readonly<Record<string, RosterColumn>>;
  /** The collection that a row counts as: of the staged row and of the one that rests. */
  readonly collection: { readonly staged: string; readonly resting: string };
  /** The site that thresholds weigh a row under; null: no site. */
  readonly site: string | null;
  /**
   * Whether a row belongs to terms that are over: archived, never gone. `$ended` stands for the array of their source ids, `$system` for
   * the system.
   */
  readonly archived: string;
  readonly unusable: readonly Unusable[];
  /** Fields of which it is told when most rows change at once: who a person is. */
  readonly identity: readonly string[];
  /** SQL for the name that a person of the school reads in a diff, over `r`; and over `s`. */
  readonly name: { readonly resting: string; readonly staged: string };
}

const one = (collection: RosterCollection) => ({ staged: `'${collection}'`, resting: `'${collection}'` });
const text = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { from: `s.${name}` }]));
const list = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { from: `staging.list(s.${name})` }]));
const day = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { from: `staging.day(s.${name})` }]));

/** Whether a `roles` cell tells one of these roles. */
const tells = (cell: string, words: readonly string[]) =>
  words.map((word) => `strpos(chr(31) || coalesce(${cell}, ''), chr(31) || '${word}|') > 0`).join(' or ');

/** The kind of a staged person by its `roles` cell: the first of its kinds. */
export const kindOfRoles = (cell: string) =>
  `case when ${tells(cell, rolesOfKind.student)} then 'student' when ${tells(cell, rolesOfKind.teacher)} then 'teacher' when ${tells(cell, rolesOfKind.guardian)} then 'guardian' else 'other' end`;
const kindsOfRoles = (cell: string) =>
  `array_remove(array[case when ${tells(cell, rolesOfKind.student)} then 'student' end, case when ${tells(cell, rolesOfKind.teacher)} then 'teacher' end, case when ${tells(cell, rolesOfKind.guardian)} then 'guardian' end], null)`;

/** The cells of a person that rest as they are told. */
export const personCells = {
  text: [
    'username',
    'given_name',
    'family_name',
    'middle_name',
    'preferred_given_name',
    'preferred_family_name',
    'pronouns',
    'identifier',
    'master_identifier',
    'email',
    'sms',
    'phone',
    'primary_site_source_id',
  ],
  list: ['grades', 'user_ids', 'agent_source_ids', 'roles'],
} as const;

export const rosterTables: Readonly<Record<TableName, RosterTable>> = {
  sites: {
    table: 'roster_site',
    columns: {
      ...text('name', 'identifier', 'parent_source_id'),
      kind: { from: `coalesce(s.kind, 'school')` },
    },
    collection: one('sites'),
    site: null,
    archived: 'false',
    unusable: [{ field: 'name', reason: 'name-missing', when: 's.name is null' }],
    identity: ['name'],
    name: { resting: 'r.name', staged: 's.name' },
  },
  terms: {
    table: 'roster_term',
    columns: {
      ...text('name', 'school_year', 'parent_source_id'),
      kind: { from: `coalesce(s.kind, 'term')` },
      starts_on: { from: 'left(s.starts_on, 10)' },
      ends_on: { from: 'left(s.ends_on, 10)' },
    },
    collection: one('terms'),
    site: null,
    archived: 'r.source_id = any($ended)',
    unusable: [
      { field: 'title', reason: 'name-missing', when: 's.name is null' },
      { field: 'startDate', reason: 'date-unreadable', when: 'staging.day(s.starts_on) is null' },
      { field: 'endDate', reason: 'date-unreadable', when: 'staging.day(s.ends_on) is null' },
      { field: 'endDate', reason: 'dates-reversed', when: 'staging.day(s.ends_on) < staging.day(s.starts_on)' },
    ],
    identity: ['name'],
    name: { resting: 'r.name', staged: 's.name' },
  },
  subjects: {
    table: 'roster_subject',
    columns: {
      title: { from: 'coalesce(s.title, s.course_code)' },
      ...text('course_code', 'site_source_id', 'school_year_source_id'),
      ...list('grades', 'subjects', 'subject_codes'),
    },
    collection: one('subjects'),
    site: 'r.site_source_id',
    archived: 'r.school_year_source_id = any($ended)',
    unusable: [{ field: 'title', reason: 'name-missing', when: 'coalesce(s.title, s.course_code) is null' }],
    identity: ['title'],
    name: { resting: 'r.title', staged: 'coalesce(s.title, s.course_code)' },
  },
  groups: {
    table: 'roster_group',
    columns: {
      kind: { from: `case when lower(s.kind) in ('class', 'homeroom') then 'class' else 'group' end` },
      title: { from: 'coalesce(s.title, s.code)' },
      ...text('code', 'subject_source_id', 'site_source_id'),
      ...list('grades', 'subjects', 'term_source_ids'),
    },
    collection: {
      staged: `case when lower(s.kind) in ('class', 'homeroom') then 'classes' else 'groups' end`,
      resting: `case r.kind when 'class' then 'classes' else 'groups' end`,
    },
    site: 'r.site_source_id',
    archived: 'cardinality(r.term_source_ids) > 0 and r.term_source_ids <@ $ended',
    unusable: [{ field: 'title', reason: 'name-missing', when: 'coalesce(s.title, s.code) is null' }],
    identity: ['title'],
    name: { resting: 'r.title', staged: 'coalesce(s.title, s.code)' },
  },
  people: {
    table: 'roster_person',
    columns: {
      kind: { from: kindOfRoles('s.roles') },
      kinds: { from: kindsOfRoles('s.roles') },
      enabled: { from: 'coalesce(staging.truth(s.enabled), true)' },
      ...text(...personCells.text),
      ...list(...personCells.list),
      site_source_ids: {
        from: `case when strpos(s.roles, chr(31)) = length(s.roles) then array_remove(array[split_part(s.roles, '|', 3)], '')
          else array(select distinct split_part(role, '|', 3) from unnest(staging.list(s.roles)) as role where split_part(role, '|', 3) <> '' order by 1) end`,
      },
    },
    collection: {
      staged: `case ${kindOfRoles('s.roles')} when 'student' then 'students' when 'teacher' then 'teachers' else 'guardians' end`,
      resting: `case r.kind when 'student' then 'students' when 'teacher' then 'teachers' else 'guardians' end`,
    },
    site: 'coalesce(r.primary_site_source_id, r.site_source_ids[1])',
    archived: 'false',
    unusable: [
      { field: 'familyName', reason: 'name-missing', when: 's.given_name is null and s.family_name is null' },
      { field: 'role', reason: 'role-missing', when: `coalesce(s.roles, '') = ''` },
    ],
    identity: ['given_name', 'family_name', 'identifier', 'email', 'username'],
    name: {
      resting: `concat_ws(' ', r.given_name, r.family_name)`,
      staged: `concat_ws(' ', s.given_name, s.family_name)`,
    },
  },
  enrolments: {
    table: 'roster_enrolment',
    columns: {
      group_id: {
        from: 's.group_source_id',
        now: '(select g.source_id from roster_group g where g.id = r.group_id)',
        refersTo: 'group',
      },
      person_id: {
        from: 's.person_source_id',
        now: '(select p.source_id from roster_person p where p.id = r.person_id)',
        refersTo: 'person',
      },
      role: { from: 'lower(s.role)' },
      is_primary: { from: 'staging.truth(s.is_primary)' },
      ...day('begins_on', 'ends_on'),
    },
    collection: one('enrolments'),
    site: null,
    archived:
      'r.group_id in (select g.id from roster_group g where g.system_id = $system and cardinality(g.term_source_ids) > 0 and g.term_source_ids <@ $ended)',
    unusable: [
      { field: 'class', reason: 'reference-missing', when: 's.group_source_id is null' },
      { field: 'user', reason: 'reference-missing', when: 's.person_source_id is null' },
      { field: 'role', reason: 'role-missing', when: 's.role is null' },
    ],
    identity: [],
    name: { resting: 'r.role', staged: 's.role' },
  },
  demographics: {
    table: 'roster_demographics',
    columns: {
      person_id: {
        from: 's.source_id',
        now: 'r.source_id',
        refersTo: 'person',
      },
      birth_date: { from: 'staging.day(s.birth_date)' },
      sex: { from: 'lower(s.sex)' },
      ...list('races'),
      ...text('country_of_birth', 'state_of_birth', 'city_of_birth', 'public_school_residence'),
    },
    collection: one('demographics'),
    site: null,
    archived: 'false',
    unusable: [],
    identity: ['birth_date'],
    name: { resting: `''`, staged: `''` },
  },
  courses: {
    table: 'lms_course',
    columns: text('name', 'code', 'sis_id', 'state', 'term_name', 'account_name'),
    collection: one('courses'),
    site: null,
    archived: 'false',
    unusable: [{ field: 'name', reason: 'name-missing', when: 's.name is null' }],
    identity: ['name'],
    name: { resting: 'r.name', staged: 's.name' },
  },
};
