/**
 * A school's roster as a OneRoster CSV package: the files of the 1.1 and 1.2 CSV binding in one zip, bulk or delta, streamed.
 * It tells what the SIS tells over REST, with the same sourcedIds. Source: 1EdTech OneRoster 1.2 CSV binding and its
 * differences to 1.1.
 */

import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { ZipEntry } from '../lib/zip-stream.ts';
import { zipStream } from '../lib/zip-stream.ts';
import { uuidFor } from './prng.ts';
import type { RecordQuirks } from './quirks.ts';
import { studentMetadataNames } from './quirks.ts';
import type { Base, ClassRecord, CourseRecord, DemographicRecord, PersonRecord } from './records.ts';
import { v1p1Roles } from './records.ts';
import type { Roster, RosterOptions } from './roster.ts';
import { rosterOf } from './roster.ts';
import type { School } from './school.ts';

export type CsvVersion = '1.1' | '1.2';

export type CsvPackageOptions = RosterOptions & {
  version: CsvVersion;
  /** Deflate level of the zip. */
  level?: number;
};

const leading = ['sourcedId', 'status', 'dateLastModified'] as const;

const flagColumns = [
  'americanIndianOrAlaskaNative',
  'asian',
  'blackOrAfricanAmerican',
  'nativeHawaiianOrOtherPacificIslander',
  'white',
  'demographicRaceTwoOrMoreRaces',
  'hispanicOrLatinoEthnicity',
] as const;

const sameInBoth = {
  academicSessions: ['title', 'type', 'startDate', 'endDate', 'parentSourcedId', 'schoolYear'],
  orgs: ['name', 'type', 'identifier', 'parentSourcedId'],
  courses: ['schoolYearSourcedId', 'title', 'courseCode', 'grades', 'orgSourcedId', 'subjects', 'subjectCodes'],
  classes: [
    ...['title', 'grades', 'courseSourcedId', 'classCode', 'classType', 'location', 'schoolSourcedId'],
    ...['termSourcedIds', 'subjects', 'subjectCodes', 'periods'],
  ],
  enrollments: ['classSourcedId', 'schoolSourcedId', 'userSourcedId', 'role', 'primary', 'beginDate', 'endDate'],
  demographics: [
    ...['birthDate', 'sex', ...flagColumns, 'countryOfBirthCode', 'stateOfBirthAbbreviation', 'cityOfBirth'],
    'publicSchoolResidenceStatus',
  ],
} as const;

const userTail = [
  ...['username', 'userIds', 'givenName', 'familyName', 'middleName', 'identifier', 'email', 'sms', 'phone'],
  ...['agentSourcedIds', 'grades', 'password'],
] as const;

/** The files that this SIS fills, with their columns after the leading three, in the order of the binding. */
export const csvColumns = {
  '1.1': { ...sameInBoth, users: ['enabledUser', 'orgSourcedIds', 'role', ...userTail] },
  '1.2': {
    ...sameInBoth,
    users: [
      ...['enabledUser', ...userTail, 'userMasterIdentifier', 'preferredGivenName', 'preferredMiddleName'],
      ...['preferredFamilyName', 'primaryOrgSourcedId', 'pronouns'],
    ],
    roles: ['userSourcedId', 'roleType', 'role', 'beginDate', 'endDate', 'orgSourcedId', 'userProfileSourcedId'],
  },
} as const satisfies Record<CsvVersion, Record<string, readonly string[]>>;

/** What the manifest lists, in its order. */
const manifestFiles: Record<CsvVersion, readonly string[]> = {
  '1.1': [
    ...['academicSessions', 'categories', 'classes', 'classResources', 'courses', 'courseResources', 'demographics'],
    ...['enrollments', 'lineItems', 'orgs', 'resources', 'results', 'users'],
  ],
  '1.2': [
    ...['academicSessions', 'categories', 'classes', 'classResources', 'courses', 'courseResources', 'demographics'],
    ...['enrollments', 'lineItemLearningObjectiveIds', 'lineItems', 'lineItemScoreScales', 'orgs', 'resources'],
    ...['resultLearningObjectiveIds', 'results', 'resultScoreScales', 'roles', 'scoreScales', 'userProfiles'],
    ...['userResources', 'users'],
  ],
};

/** How a country's schools tell streams: columns of their own at the right (`metadata.<name>`). */
type MetadataColumns = Record<'courses' | 'classes' | 'users', readonly string[]>;

function metadataColumns(school: School, streamsOn: RecordQuirks['streamsOn'] = 'classes'): MetadataColumns {
  const none = { courses: [], classes: [], users: [] };
  if (streamsOn === 'students') return { ...none, users: studentMetadataNames };
  if (streamsOn === 'nowhere') return none;
  if (school.country === 'US') return { ...none, courses: ['courseLevel'] };
  const stream = ['programme', 'year', 'level'];
  return { ...none, courses: stream, classes: [...stream, 'stream', 'streamName'] };
}

/** One file of a package. Rows are lines with their end; the header is the first of them, and there is no row without data. */
export type CsvFile = { name: string; header: readonly string[]; rows(): Iterable<string> };

const NEEDS_QUOTES = /[",\r\n]/;
const cell = (text: string): string => (NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const list = (texts: readonly string[]): string => (texts.length === 1 ? cell(texts[0] ?? '') : cell(texts.join(',')));
const flag = (value: boolean | undefined): string => (value === undefined ? '' : value ? 'true' : 'false');
const line = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;

/** The files of a package in the order of the binding, the empty ones too. */
export function csvFiles(options: CsvPackageOptions): readonly CsvFile[] {
  const roster = rosterOf(options);
  const isDelta = options.part === 'changed';
  const { version } = options;
  const metadata = metadataColumns(roster.school, options.quirks?.streamsOn);
  /** The leading three cells. A bulk file says neither status nor moment, a delta file both. */
  const lead = isDelta
    ? (record: Base): string => `${record.id},${record.status},${record.modified}`
    : (record: Base): string => `${record.id},,`;

  function* mapped<T>(records: Iterable<T>, row: (record: T) => string): Generator<string> {
    for (const record of records) yield row(record);
  }
  const withMetadata = (columns: readonly string[], names: readonly string[]): readonly string[] => [
    ...columns,
    ...names.map((name) => `metadata.${name}`),
  ];
  const file = <T>(
    name: string,
    columns: readonly string[],
    records: (roster: Roster) => Iterable<T>,
    row: (record: T) => string,
  ): CsvFile => ({
    name,
    header: [...leading, ...columns],
    rows: () => mapped(records(roster), row),
  });

  const course = (record: CourseRecord): string =>
    line([
      ...[lead(record), record.schoolYearId, cell(record.title), cell(record.code), list(record.grades)],
      ...[record.siteId, list(record.subjects), list(record.subjectCodes)],
      ...metadata.courses.map((name) => cell(record.metadata[name] ?? '')),
    ]);
  const group = (record: ClassRecord): string =>
    line([
      ...[lead(record), cell(record.title), list(record.grades), record.courseId, cell(record.code), record.kind],
      ...[cell(record.location), record.siteId, list(record.termIds), list(record.subjects)],
      ...[list(record.subjectCodes), list(record.periods)],
      ...metadata.classes.map((name) => cell(record.metadata[name] ?? '')),
    ]);
  const userIds = ({ username }: PersonRecord): string => (username === '' ? '' : cell(`{LDAP:${username}}`));
  const tail = (record: PersonRecord): readonly string[] => [
    ...[cell(record.username), userIds(record), cell(record.given), cell(record.family), cell(record.middle)],
    ...[cell(record.identifier), cell(record.email), cell(record.sms), cell(record.phone)],
    ...[list(record.agentIds), list(record.grades), ''],
  ];
  const userMetadata = (record: PersonRecord): string[] =>
    metadata.users.map((name) => cell(record.metadata?.[name] ?? ''));
  const user11 = (record: PersonRecord): string =>
    line([
      ...[lead(record), flag(record.enabled), list(record.roles.map(({ orgId }) => orgId))],
      ...[v1p1Roles[record.roles[0]?.role ?? 'student'], ...tail(record), ...userMetadata(record)],
    ]);
  const user12 = (record: PersonRecord): string =>
    line([
      ...[
        lead(record),
        flag(record.enabled),
        ...tail(record),
        record.masterIdentifier ?? '',
        cell(record.preferred),
        '',
        '',
      ],
      ...[record.roles[0]?.orgId ?? '', '', ...userMetadata(record)],
    ]);
  const demographic = (record: DemographicRecord): string =>
    line([
      ...[lead(record), record.birthDate, version === '1.1' && record.sex === 'unspecified' ? '' : record.sex],
      ...flagColumns.map((name) => flag(record.flags[name])),
      ...[record.countryOfBirth, record.stateOfBirth, cell(record.cityOfBirth), ''],
    ]);
  function* people({ staff, teachers, students, guardians }: Roster): Generator<PersonRecord> {
    yield* staff();
    yield* teachers();
    yield* students();
    yield* guardians();
  }
  function* roles(roster: Roster): Generator<string> {
    // A role changes with nobody's name: a delta set has none.
    if (isDelta) return;
    for (const { id, roles } of people(roster)) {
      for (const { role, orgId, primary } of roles)
        yield `${uuidFor(`${id}/role/${orgId}`)},,,${id},${primary ? 'primary' : 'secondary'},${role},,,${orgId},\r\n`;
    }
  }

  const columns = csvColumns[version];
  return [
    file(
      'academicSessions',
      columns.academicSessions,
      ({ sessions }) => sessions(),
      (record) =>
        line([
          ...[lead(record), cell(record.title), record.kind, record.start, record.end, record.parentId ?? ''],
          record.schoolYear,
        ]),
    ),
    file(
      'orgs',
      columns.orgs,
      ({ orgs }) => orgs(),
      (record) => line([lead(record), cell(record.name), record.kind, cell(record.identifier), record.parentId ?? '']),
    ),
    file('courses', withMetadata(columns.courses, metadata.courses), ({ courses }) => courses(), course),
    file('classes', withMetadata(columns.classes, metadata.classes), ({ classes }) => classes(), group),
    file('users', withMetadata(columns.users, metadata.users), people, version === '1.1' ? user11 : user12),
    ...(version === '1.1' ? [] : [file('roles', csvColumns['1.2'].roles, roles, (row) => row)]),
    // Every cell is an id, a word or a date of ours: none needs quotes, and seven million rows pass here.
    file(
      'enrollments',
      columns.enrollments,
      ({ enrolments }) => enrolments(),
      (record) =>
        `${lead(record)},${record.classId},${record.siteId},${record.personId},${record.role},${record.primary ? 'true' : 'false'},${record.begin},${record.end}\r\n`,
    ),
    file('demographics', columns.demographics, ({ demographics }) => demographics(), demographic),
  ];
}

const CHUNK = 64 * 1024;

type Filled = { name: string; header: readonly string[]; first: string; rest: Iterator<string> };

/** Text of a file in pieces of some size, counting its rows. */
function* chunksOf({ header, first, rest }: Filled, count: (rows: number) => void): Generator<Uint8Array> {
  let text = line(header) + first;
  let rows = 1;
  for (let next = rest.next(); next.done !== true; next = rest.next()) {
    rows += 1;
    text += next.value;
    if (text.length >= CHUNK) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text);
  count(rows);
}

function manifest(version: CsvVersion, filled: ReadonlySet<string>, mode: 'bulk' | 'delta'): Uint8Array {
  const rows = [
    ['propertyName', 'value'],
    ['manifest.version', '1.0'],
    ['oneroster.version', version],
    ...manifestFiles[version].map((name) => [`file.${name}`, filled.has(name) ? mode : 'absent']),
    ['source.systemName', 'Registra'],
    ['source.systemCode', 'registra-sandbox'],
  ];
  return Buffer.from(rows.map(line).join(''));
}

/**
 * The bytes of a package: the manifest first, then every file that has a row. `rows` fills with the rows of each file as they pass.
 * A bulk package is `part: 'all'`, with or without `changes`; a delta one is `part: 'changed'` with `changes`.
 */
export async function* csvPackage(
  options: CsvPackageOptions,
  rows: Record<string, number> = {},
): AsyncGenerator<Uint8Array> {
  const filled: Filled[] = [];
  for (const { name, header, rows: rowsOf } of csvFiles(options)) {
    const rest = rowsOf()[Symbol.iterator]();
    const first = rest.next();
    if (first.done !== true) filled.push({ name, header, first: first.value, rest });
  }
  const names = new Set(filled.map(({ name }) => name));
  function* entries(): Generator<ZipEntry> {
    const mode = options.part === 'changed' ? 'delta' : 'bulk';
    yield { name: 'manifest.csv', chunks: [manifest(options.version, names, mode)] };
    for (const one of filled) {
      yield {
        name: `${one.name}.csv`,
        chunks: chunksOf(one, (count) => {
          rows[one.name] = count;
        }),
      };
    }
  }
  yield* zipStream(entries(), options.level === undefined ? {} : { level: options.level });
}

/** Writes a package to a file and tells the rows of each file in it. */
export async function writeCsvPackage(path: string, options: CsvPackageOptions): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  await pipeline(csvPackage(options, rows), createWriteStream(path));
  return rows;
}
