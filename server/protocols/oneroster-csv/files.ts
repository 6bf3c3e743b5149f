import { type StagedTable, stagedColumns } from '#server/connectors/staged-columns.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** Tables that a OneRoster CSV package can fill. */
export type CsvTable = Exclude<StagedTable, 'courses'>;

export type OneRosterVersion = '1.1' | '1.2';

/** Where a staged cell comes from. */
export type CellSource =
  | { readonly column: string }
  | { readonly hint: keyof typeof hintNames }
  /** classType: a home class or a teaching group. */
  | { readonly kindOf: string }
  | { readonly flags: readonly string[] };

/** A file of the standard (reference §15) and what is read of it. */
export interface FileDefinition {
  readonly name: string;
  readonly table: CsvTable;
  /** Columns behind the first three in the order of 1.2, then those that only 1.1 or 1.2.0 has; REST's names where people mix them up. */
  readonly columns: readonly string[];
  readonly only11: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
  /** Without these columns the file says nothing. */
  readonly required: readonly string[];
  /** The column that is the staged row's `source_id`, and further ones whose cell must be a usable id. */
  readonly sourceId: string;
  readonly ids: readonly string[];
  /** The column with the words by which rows are granted. */
  readonly role: string | null;
  /** One for each staged column, in their order. */
  readonly cells: readonly (readonly [staged: string, source: CellSource | null])[];
}

/** Names of `metadata.` columns that tell a stream, folded (letters and digits, lower case); the same as in OneRoster's REST metadata. */
export const hintNames = {
  code: ['stream', 'streamcode', 'track', 'trackcode', 'studycode'],
  name: ['streamname', 'trackname', 'studyname'],
  programme: ['programme', 'program', 'pathway', 'schooltype', 'study'],
  level: ['level', 'courselevel', 'classlevel', 'profile', 'set', 'honors'],
  year: ['year', 'yeargroup', 'gradelevel', 'grade', 'leerjaar', 'studyyear'],
} as const;

const hints: Readonly<Record<string, CellSource>> = {
  stream_code: { hint: 'code' },
  stream_name: { hint: 'name' },
  stream_programme: { hint: 'programme' },
  stream_level: { hint: 'level' },
  stream_year: { hint: 'year' },
};

const races = [
  'americanIndianOrAlaskaNative',
  'asian',
  'blackOrAfricanAmerican',
  'nativeHawaiianOrOtherPacificIslander',
  'white',
  'demographicRaceTwoOrMoreRaces',
  'hispanicOrLatinoEthnicity',
];

function define(
  definition: Omit<FileDefinition, 'cells' | 'aliases' | 'ids' | 'only11' | 'role' | 'sourceId'> &
    Partial<Pick<FileDefinition, 'aliases' | 'ids' | 'only11' | 'role' | 'sourceId'>> & {
      readonly from: Readonly<Record<string, string | CellSource>>;
    },
): FileDefinition {
  const { from, ...rest } = definition;
  return {
    aliases: {},
    ids: [],
    only11: [],
    role: null,
    sourceId: 'sourcedId',
    ...rest,
    cells: stagedColumns[rest.table].map((staged) => {
      const source = from[staged] ?? hints[staged] ?? null;
      return [staged, typeof source === 'string' ? { column: source } : source];
    }),
  };
}

/** The files that fill staged tables; the others of the standard are never opened. */
export const fileDefinitions: readonly FileDefinition[] = [
  define({
    name: 'orgs.csv',
    table: 'sites',
    columns: ['name', 'type', 'identifier', 'parentSourcedId'],
    required: ['sourcedId', 'name', 'type'],
    from: { name: 'name', kind: 'type', identifier: 'identifier', parent_source_id: 'parentSourcedId' },
  }),
  define({
    name: 'academicSessions.csv',
    table: 'terms',
    columns: ['title', 'type', 'startDate', 'endDate', 'parentSourcedId', 'schoolYear'],
    required: ['sourcedId', 'title', 'type', 'startDate', 'endDate'],
    from: {
      name: 'title',
      kind: 'type',
      starts_on: 'startDate',
      ends_on: 'endDate',
      school_year: 'schoolYear',
      parent_source_id: 'parentSourcedId',
    },
  }),
  define({
    name: 'courses.csv',
    table: 'subjects',
    columns: ['schoolYearSourcedId', 'title', 'courseCode', 'grades', 'orgSourcedId', 'subjects', 'subjectCodes'],
    only11: ['resourceSourcedIds'],
    required: ['sourcedId', 'title'],
    from: {
      title: 'title',
      course_code: 'courseCode',
      grades: 'grades',
      subjects: 'subjects',
      subject_codes: 'subjectCodes',
      site_source_id: 'orgSourcedId',
      school_year_source_id: 'schoolYearSourcedId',
    },
  }),
  define({
    name: 'classes.csv',
    table: 'groups',
    columns: [
      'title',
      'grades',
      'courseSourcedId',
      'classCode',
      'classType',
      'location',
      'schoolSourcedId',
      'termSourcedIds',
      'subjects',
      'subjectCodes',
      'periods',
    ],
    only11: ['resourceSourcedIds'],
    required: ['sourcedId', 'title', 'courseSourcedId', 'schoolSourcedId', 'termSourcedIds'],
    from: {
      kind: { kindOf: 'classType' },
      title: 'title',
      code: 'classCode',
      grades: 'grades',
      subjects: 'subjects',
      subject_source_id: 'courseSourcedId',
      site_source_id: 'schoolSourcedId',
      term_source_ids: 'termSourcedIds',
    },
  }),
  define({
    name: 'users.csv',
    table: 'people',
    columns: [
      'enabledUser',
      'username',
      'userIds',
      'givenName',
      'familyName',
      'middleName',
      'identifier',
      'email',
      'sms',
      'phone',
      'agentSourcedIds',
      'grades',
      'password',
      'userMasterIdentifier',
      'preferredGivenName',
      'preferredMiddleName',
      'preferredFamilyName',
      'primaryOrgSourcedId',
      'pronouns',
    ],
    only11: ['orgSourcedIds', 'role', 'resourceSourcedIds'],
    aliases: {
      preferredFirstName: 'preferredGivenName',
      preferredMiddle: 'preferredMiddleName',
      preferredLastName: 'preferredFamilyName',
    },
    required: ['sourcedId', 'givenName', 'familyName'],
    role: 'role',
    from: {
      enabled: 'enabledUser',
      username: 'username',
      given_name: 'givenName',
      family_name: 'familyName',
      middle_name: 'middleName',
      preferred_given_name: 'preferredGivenName',
      preferred_family_name: 'preferredFamilyName',
      pronouns: 'pronouns',
      identifier: 'identifier',
      master_identifier: 'userMasterIdentifier',
      email: 'email',
      sms: 'sms',
      phone: 'phone',
      grades: 'grades',
      user_ids: 'userIds',
      agent_source_ids: 'agentSourcedIds',
      primary_site_source_id: 'primaryOrgSourcedId',
      role: 'role',
      site_source_ids: 'orgSourcedIds',
    },
  }),
  define({
    name: 'roles.csv',
    table: 'roles',
    columns: ['userSourcedId', 'roleType', 'role', 'beginDate', 'endDate', 'orgSourcedId', 'userProfileSourcedId'],
    required: ['userSourcedId', 'role', 'orgSourcedId'],
    sourceId: 'userSourcedId',
    role: 'role',
    from: {
      role: 'role',
      role_type: 'roleType',
      site_source_id: 'orgSourcedId',
      begins_on: 'beginDate',
      ends_on: 'endDate',
    },
  }),
  define({
    name: 'enrollments.csv',
    table: 'enrolments',
    columns: ['classSourcedId', 'schoolSourcedId', 'userSourcedId', 'role', 'primary', 'beginDate', 'endDate'],
    required: ['sourcedId', 'classSourcedId', 'userSourcedId', 'role'],
    ids: ['classSourcedId', 'userSourcedId'],
    role: 'role',
    from: {
      group_source_id: 'classSourcedId',
      person_source_id: 'userSourcedId',
      site_source_id: 'schoolSourcedId',
      role: 'role',
      is_primary: 'primary',
      begins_on: 'beginDate',
      ends_on: 'endDate',
    },
  }),
  define({
    name: 'demographics.csv',
    table: 'demographics',
    columns: [
      'birthDate',
      'sex',
      ...races,
      'countryOfBirthCode',
      'stateOfBirthAbbreviation',
      'cityOfBirth',
      'publicSchoolResidenceStatus',
    ],
    required: ['sourcedId'],
    // The person's id under the name that other files give it.
    aliases: { userSourcedId: 'sourcedId' },
    from: {
      birth_date: 'birthDate',
      sex: 'sex',
      races: { flags: races },
      country_of_birth: 'countryOfBirthCode',
      state_of_birth: 'stateOfBirthAbbreviation',
      city_of_birth: 'cityOfBirth',
      public_school_residence: 'publicSchoolResidenceStatus',
    },
  }),
];

/** The standard's other files, of 1.1 and 1.2. */
export const otherFiles: readonly string[] = [
  'categories.csv',
  'classResources.csv',
  'courseResources.csv',
  'lineItemLearningObjectiveIds.csv',
  'lineItemScoreScales.csv',
  'lineItems.csv',
  'manifest.csv',
  'resources.csv',
  'resultLearningObjectiveIds.csv',
  'resultScoreScales.csv',
  'results.csv',
  'scoreScales.csv',
  'userProfiles.csv',
  'userResources.csv',
];

/** The definition of the file that fills a table. */
export function fileOf(table: CsvTable): FileDefinition {
  const definition = fileDefinitions.find((candidate) => candidate.table === table);
  if (definition === undefined) throw new CrosswalkError('internal', { details: { unexpected: table } });
  return definition;
}

/** The columns with which every file begins. */
export const firstColumns: readonly string[] = ['sourcedId', 'status', 'dateLastModified'];
