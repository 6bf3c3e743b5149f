/**
 * OneRoster objects on the wire, in version 1.2 and 1.1, and which fields each has.
 * Source: 1EdTech OneRoster 1.2 Rostering REST binding (OpenAPI schemas) and its differences to 1.1.
 */

import type {
  Base,
  ClassRecord,
  CourseRecord,
  DemographicRecord,
  EnrolmentRecord,
  OrgRecord,
  PersonRecord,
  SessionRecord,
} from '../generator/records.ts';
import { v1p1Roles } from '../generator/records.ts';

export type Version = 'v1p2' | 'v1p1';
export type Collection = 'academicSessions' | 'orgs' | 'courses' | 'classes' | 'users' | 'enrollments' | 'demographics';
export type Wire = string | readonly Wire[] | { readonly [key: string]: Wire };
export type WireObject = { readonly [key: string]: Wire };

/** The path of a version's service after the school's prefix. */
export const servicePath: Record<Version, string> = {
  v1p2: '/ims/oneroster/rostering/v1p2',
  v1p1: '/ims/oneroster/v1p1',
};

/** Envelope key of a single object. `demographics` is the same word in both. */
export const singular: Record<Collection, string> = {
  academicSessions: 'academicSession',
  orgs: 'org',
  courses: 'course',
  classes: 'class',
  users: 'user',
  enrollments: 'enrollment',
  demographics: 'demographics',
};

const collectionOf = {
  academicSession: 'academicSessions',
  org: 'orgs',
  course: 'courses',
  class: 'classes',
  user: 'users',
} as const;

/** Makes wire objects of one version whose references point below `base`. */
export type Writer = {
  org(record: OrgRecord): WireObject;
  academicSession(record: SessionRecord): WireObject;
  course(record: CourseRecord): WireObject;
  class(record: ClassRecord): WireObject;
  user(record: PersonRecord): WireObject;
  enrollment(record: EnrolmentRecord): WireObject;
  demographics(record: DemographicRecord): WireObject;
};

const common = (record: Base): WireObject => ({
  sourcedId: record.id,
  status: record.status,
  dateLastModified: record.modified,
});
const given = (fields: Record<string, string>): WireObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
const withMetadata = (metadata: Readonly<Record<string, string>>): WireObject =>
  Object.keys(metadata).length === 0 ? {} : { metadata };
const flag = (value: boolean): string => (value ? 'true' : 'false');

/** A writer for a version; `base` is the URL of the service, absolute or its path alone. Null: references are sourcedIds without more. */
export function writerFor(version: Version, base: string | null): Writer {
  const ref = (type: keyof typeof collectionOf, id: string): WireObject =>
    base === null ? { sourcedId: id } : { href: `${base}/${collectionOf[type]}/${id}`, sourcedId: id, type };
  const refs = (type: keyof typeof collectionOf, ids: readonly string[]): Wire => ids.map((id) => ref(type, id));

  const user12 = (person: PersonRecord): WireObject => ({
    userIds: person.username === '' ? [] : [{ type: 'LDAP', identifier: person.username }],
    roles: person.roles.map(({ role, orgId, primary }) => ({
      roleType: primary ? 'primary' : 'secondary',
      role,
      org: ref('org', orgId),
    })),
    ...(person.roles[0] === undefined ? {} : { primaryOrg: ref('org', person.roles[0].orgId) }),
    ...given({
      username: person.username,
      preferredFirstName: person.preferred,
      userMasterIdentifier: person.masterIdentifier ?? '',
    }),
  });
  const user11 = (person: PersonRecord): WireObject => ({
    username: person.username,
    userIds: person.username === '' ? [] : [{ type: 'LDAP', identifier: person.username }],
    role: v1p1Roles[person.roles[0]?.role ?? 'student'],
    orgs: refs(
      'org',
      person.roles.map(({ orgId }) => orgId),
    ),
  });

  return {
    org: (record) => ({
      ...common(record),
      name: record.name,
      type: record.kind,
      identifier: record.identifier,
      ...(record.parentId === null ? {} : { parent: ref('org', record.parentId) }),
      children: refs('org', record.childIds),
    }),
    academicSession: (record) => ({
      ...common(record),
      title: record.title,
      startDate: record.start,
      endDate: record.end,
      type: record.kind,
      ...(record.parentId === null ? {} : { parent: ref('academicSession', record.parentId) }),
      children: refs('academicSession', record.childIds),
      schoolYear: record.schoolYear,
    }),
    course: (record) => ({
      ...common(record),
      ...withMetadata(record.metadata),
      title: record.title,
      schoolYear: ref('academicSession', record.schoolYearId),
      courseCode: record.code,
      grades: record.grades,
      subjects: record.subjects,
      org: ref('org', record.siteId),
      subjectCodes: record.subjectCodes,
    }),
    class: (record) => ({
      ...common(record),
      ...withMetadata(record.metadata),
      title: record.title,
      classCode: record.code,
      classType: record.kind,
      location: record.location,
      grades: record.grades,
      subjects: record.subjects,
      course: ref('course', record.courseId),
      school: ref('org', record.siteId),
      terms: refs('academicSession', record.termIds),
      subjectCodes: record.subjectCodes,
      periods: record.periods,
    }),
    user: (record) => ({
      ...common(record),
      ...withMetadata(record.metadata ?? {}),
      ...(version === 'v1p2' ? user12(record) : user11(record)),
      enabledUser: flag(record.enabled),
      givenName: record.given,
      familyName: record.family,
      ...given({
        middleName: record.middle,
        identifier: record.identifier,
        email: record.email,
        sms: record.sms,
        phone: record.phone,
      }),
      agents: refs('user', record.agentIds),
      grades: record.grades,
    }),
    enrollment: (record) => ({
      ...common(record),
      user: ref('user', record.personId),
      class: ref('class', record.classId),
      school: ref('org', record.siteId),
      role: record.role,
      primary: flag(record.primary),
      beginDate: record.begin,
      endDate: record.end,
    }),
    demographics: (record) => ({
      ...common(record),
      birthDate: record.birthDate,
      ...(version === 'v1p1' && record.sex === 'unspecified' ? {} : { sex: record.sex }),
      ...Object.fromEntries(Object.entries(record.flags).map(([name, value]) => [name, flag(value)])),
      ...given({
        countryOfBirthCode: record.countryOfBirth,
        stateOfBirthAbbreviation: record.stateOfBirth,
        cityOfBirth: record.cityOfBirth,
      }),
    }),
  };
}

const every = ['sourcedId', 'status', 'dateLastModified', 'metadata'];
const ref = (name: string): string[] => [name, `${name}.href`, `${name}.sourcedId`, `${name}.type`];
const userFields = [
  'username',
  'enabledUser',
  'givenName',
  'familyName',
  'middleName',
  'identifier',
  'email',
  'sms',
  'phone',
  'grades',
  'password',
];
const userIds = ['userIds', 'userIds.type', 'userIds.identifier'];
export const demographicFlags: readonly string[] = [
  'americanIndianOrAlaskaNative',
  'asian',
  'blackOrAfricanAmerican',
  'nativeHawaiianOrOtherPacificIslander',
  'white',
  'demographicRaceTwoOrMoreRaces',
  'hispanicOrLatinoEthnicity',
];

const shared: Record<Exclude<Collection, 'users'>, readonly string[]> = {
  academicSessions: [
    ...every,
    'title',
    'startDate',
    'endDate',
    'type',
    'schoolYear',
    ...ref('parent'),
    ...ref('children'),
  ],
  orgs: [...every, 'name', 'type', 'identifier', ...ref('parent'), ...ref('children')],
  courses: [
    ...every,
    'title',
    'courseCode',
    'grades',
    'subjects',
    'subjectCodes',
    ...ref('schoolYear'),
    ...ref('org'),
    ...ref('resources'),
  ],
  classes: [
    ...every,
    ...['title', 'classCode', 'classType', 'location', 'grades', 'subjects', 'subjectCodes', 'periods'],
    ...[...ref('course'), ...ref('school'), ...ref('terms'), ...ref('resources')],
  ],
  enrollments: [...every, 'role', 'primary', 'beginDate', 'endDate', ...ref('user'), ...ref('class'), ...ref('school')],
  demographics: [
    ...every,
    'birthDate',
    'sex',
    ...demographicFlags,
    'countryOfBirthCode',
    'stateOfBirthAbbreviation',
    'cityOfBirth',
    'publicSchoolResidenceStatus',
  ],
};

const users: Record<Version, readonly string[]> = {
  v1p2: [
    ...every,
    ...userFields,
    ...userIds,
    ...[
      'userMasterIdentifier',
      'preferredFirstName',
      'preferredMiddleName',
      'preferredLastName',
      'pronouns',
      'userProfiles',
    ],
    ...['roles', 'roles.roleType', 'roles.role', 'roles.beginDate', 'roles.endDate', 'roles.org.sourcedId'],
    ...[...ref('primaryOrg'), ...ref('agents'), ...ref('resources')],
  ],
  v1p1: [...every, ...userFields, ...userIds, 'role', ...ref('orgs'), ...ref('agents')],
};

/** Every field that a filter or a sort may name; those without a dot are what `fields` may select. `metadata.*` is free. */
export function fieldsOf(version: Version, collection: Collection): readonly string[] {
  return collection === 'users' ? users[version] : shared[collection];
}
