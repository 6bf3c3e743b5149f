import type { Collection, Page, StreamHint } from './contract.ts';
import { type StagedTable, stagedColumns } from './staged-columns.ts';

/** A row of a staged table: its cells in the order of `stagedColumns[table]`. */
export interface StagedRow {
  readonly table: StagedTable;
  readonly sourceId: string;
  readonly status: 'active' | 'tobedeleted';
  /** ISO 8601 in UTC. */
  readonly modified: string | null;
  readonly cells: readonly (string | null)[];
}

/** A record as `fetch` gives it. */
export type Fetched<C extends Collection> = Page<C>['records'][number];

type CellsOf<T extends StagedTable> = Readonly<Record<(typeof stagedColumns)[T][number], string | null>>;

/** Parts the elements of a list that we wrote; each is followed by one. No text of a record holds it. */
export const listMark = '\u001f';
const listOf = (texts: readonly string[]): string | null =>
  texts.length === 0 ? null : `${texts.join(listMark)}${listMark}`;
const flagOf = (flag: boolean | null): string | null => (flag === null ? null : String(flag));

const streamOf = (hint: StreamHint | null) => ({
  stream_code: hint?.code ?? null,
  stream_name: hint?.name ?? null,
  stream_programme: hint?.programme ?? null,
  stream_level: hint?.level ?? null,
  stream_year: hint?.year ?? null,
});

interface Head {
  readonly sourceId: string;
  readonly modifiedAt: Date | null;
  readonly deleted: boolean;
}

function rowOf<T extends StagedTable>(table: T, head: Head, cells: CellsOf<T>): StagedRow {
  const columns: readonly (keyof CellsOf<T>)[] = stagedColumns[table];
  return {
    table,
    sourceId: head.sourceId,
    status: head.deleted ? 'tobedeleted' : 'active',
    modified: head.modifiedAt?.toISOString() ?? null,
    cells: columns.map((column) => cells[column]),
  };
}

/** A person's row, and a row for each role. A deleted one has no roles. */
function peopleRows(record: Fetched<'teachers'>): readonly StagedRow[] {
  const person = rowOf('people', record, {
    enabled: flagOf(record.enabled),
    username: record.username,
    given_name: record.givenName,
    family_name: record.familyName,
    middle_name: record.middleName,
    preferred_given_name: record.preferredGivenName,
    preferred_family_name: record.preferredFamilyName,
    pronouns: record.pronouns,
    identifier: record.identifier,
    master_identifier: record.masterIdentifier,
    email: record.email,
    sms: record.sms,
    phone: record.phone,
    grades: listOf(record.grades),
    user_ids: listOf(record.userIds),
    agent_source_ids: listOf(record.agentSourceIds),
    primary_site_source_id: record.primarySiteSourceId,
    role: null,
    site_source_ids: null,
    ...streamOf(record.stream),
  });
  const roles = record.roles.map((role) =>
    rowOf('roles', record, {
      role: role.role,
      role_type: role.roleType,
      site_source_id: role.siteSourceId,
      begins_on: role.beginsOn,
      ends_on: role.endsOn,
    }),
  );
  return [person, ...roles];
}

const rows: { readonly [C in Collection]: (record: Fetched<C>) => readonly StagedRow[] } = {
  sites: (record) => [
    rowOf('sites', record, {
      name: record.name,
      kind: record.kind,
      identifier: record.identifier,
      parent_source_id: record.parentSourceId,
    }),
  ],
  terms: (record) => [
    rowOf('terms', record, {
      name: record.name,
      kind: record.kind,
      starts_on: record.startsOn,
      ends_on: record.endsOn,
      school_year: record.schoolYear,
      parent_source_id: record.parentSourceId,
    }),
  ],
  subjects: (record) => [
    rowOf('subjects', record, {
      title: record.title,
      course_code: record.courseCode,
      grades: listOf(record.grades),
      subjects: listOf(record.subjects),
      subject_codes: listOf(record.subjectCodes),
      site_source_id: record.siteSourceId,
      school_year_source_id: record.schoolYearSourceId,
      ...streamOf(record.stream),
    }),
  ],
  groups: (record) => [
    rowOf('groups', record, {
      kind: record.kind,
      title: record.title,
      code: record.code,
      grades: listOf(record.grades),
      subjects: listOf(record.subjects),
      subject_source_id: record.subjectSourceId,
      site_source_id: record.siteSourceId,
      term_source_ids: listOf(record.termSourceIds),
      ...streamOf(record.stream),
    }),
  ],
  teachers: peopleRows,
  students: peopleRows,
  guardians: peopleRows,
  enrolments: (record) => [
    rowOf('enrolments', record, {
      group_source_id: record.groupSourceId,
      person_source_id: record.personSourceId,
      site_source_id: record.siteSourceId,
      role: record.role,
      is_primary: flagOf(record.isPrimary),
      begins_on: record.beginsOn,
      ends_on: record.endsOn,
    }),
  ],
  demographics: (record) => [
    rowOf('demographics', record, {
      birth_date: record.birthDate,
      sex: record.sex,
      races: listOf(record.races),
      country_of_birth: record.countryOfBirth,
      state_of_birth: record.stateOfBirth,
      city_of_birth: record.cityOfBirth,
      public_school_residence: record.publicSchoolResidence,
    }),
  ],
  courses: (record) => [
    rowOf('courses', record, {
      name: record.name,
      code: record.code,
      sis_id: record.sisId,
      state: record.state,
      term_name: record.termName,
      account_name: record.accountName,
    }),
  ],
};

/**
 * A record as the rows that are staged of it: one, and of a person one of `people` and one of `roles` for each role. Lists are one
 * cell, flags `true` or `false`, days and moments ISO 8601; what is not told is null. Pure.
 */
export function stagedCells<C extends Collection>(collection: C, record: Fetched<C>): readonly StagedRow[] {
  return rows[collection](record);
}
