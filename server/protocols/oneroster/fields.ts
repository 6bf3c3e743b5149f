import type { OneRosterVersion } from './versions.ts';

/** The objects of the rostering service (reference §6). */
export type ObjectName = 'org' | 'academicSession' | 'course' | 'class' | 'user' | 'enrollment' | 'demographics';

/**
 * How a field is compared. `list`: `=` asks for the whole list. `any`: one of several values. `flag`: `true` or `false`, as text on the wire.
 * `folded`: text whose case says nothing (addresses).
 */
export type FieldType = 'text' | 'folded' | 'flag' | 'day' | 'moment' | 'list' | 'any';

const common = { sourcedId: 'text', status: 'text', dateLastModified: 'moment' } as const;
const stream = {
  'metadata.streamId': 'text',
  'metadata.stream': 'text',
  'metadata.streamName': 'text',
  'metadata.programme': 'text',
  'metadata.level': 'text',
  'metadata.year': 'text',
} as const;

/** Fields that can be filtered by; sorted by as well, where there is one value. Dotted paths lead into references and metadata. */
export const comparableFields = {
  org: { ...common, name: 'text', type: 'text', identifier: 'text', 'parent.sourcedId': 'text' },
  academicSession: {
    ...common,
    title: 'text',
    startDate: 'day',
    endDate: 'day',
    type: 'text',
    schoolYear: 'text',
    'parent.sourcedId': 'text',
  },
  course: {
    ...common,
    title: 'text',
    courseCode: 'text',
    grades: 'list',
    subjects: 'list',
    subjectCodes: 'list',
    'org.sourcedId': 'text',
    'schoolYear.sourcedId': 'text',
  },
  class: {
    ...common,
    title: 'text',
    classCode: 'text',
    classType: 'text',
    grades: 'list',
    subjects: 'list',
    'course.sourcedId': 'text',
    'school.sourcedId': 'text',
    'terms.sourcedId': 'any',
    ...stream,
  },
  user: {
    ...common,
    username: 'folded',
    enabledUser: 'flag',
    givenName: 'text',
    familyName: 'text',
    middleName: 'text',
    preferredFirstName: 'text',
    preferredLastName: 'text',
    pronouns: 'text',
    identifier: 'text',
    userMasterIdentifier: 'text',
    email: 'folded',
    sms: 'text',
    phone: 'text',
    grades: 'list',
    role: 'any',
    'roles.role': 'any',
    'orgs.sourcedId': 'any',
    'roles.org.sourcedId': 'any',
    'primaryOrg.sourcedId': 'text',
    'agents.sourcedId': 'any',
    ...stream,
  },
  enrollment: {
    ...common,
    role: 'text',
    primary: 'flag',
    beginDate: 'day',
    endDate: 'day',
    'user.sourcedId': 'text',
    'class.sourcedId': 'text',
    'school.sourcedId': 'text',
  },
  demographics: {
    ...common,
    birthDate: 'day',
    sex: 'text',
    americanIndianOrAlaskaNative: 'flag',
    asian: 'flag',
    blackOrAfricanAmerican: 'flag',
    nativeHawaiianOrOtherPacificIslander: 'flag',
    white: 'flag',
    demographicRaceTwoOrMoreRaces: 'flag',
    hispanicOrLatinoEthnicity: 'flag',
    countryOfBirthCode: 'text',
    stateOfBirthAbbreviation: 'text',
    cityOfBirth: 'text',
    publicSchoolResidenceStatus: 'text',
  },
} as const satisfies Record<ObjectName, Record<string, FieldType>>;

/** A field's path, of any object or of one. */
export type FieldPath<O extends ObjectName = ObjectName> = O extends ObjectName
  ? keyof (typeof comparableFields)[O] & string
  : never;

/** How a field of an object is compared; null where the object has no such field. */
export function fieldType(object: ObjectName, path: string): FieldType | null {
  const fields: Readonly<Record<string, FieldType>> = comparableFields[object];
  return Object.hasOwn(fields, path) ? (fields[path] ?? null) : null;
}

const both = ['sourcedId', 'status', 'dateLastModified', 'metadata'];
const userFields = [
  'username',
  'userIds',
  'enabledUser',
  'givenName',
  'familyName',
  'middleName',
  'identifier',
  'email',
];
const userFieldsToo = ['sms', 'phone', 'agents', 'grades', 'password'];

/** The names that a selection may hold: the object's own, told or not. */
const selectable: Readonly<Record<ObjectName, Readonly<Record<OneRosterVersion, readonly string[]>>>> = {
  org: same('name', 'type', 'identifier', 'parent', 'children'),
  academicSession: same('title', 'startDate', 'endDate', 'type', 'parent', 'children', 'schoolYear'),
  course: same('title', 'schoolYear', 'courseCode', 'grades', 'subjects', 'org', 'subjectCodes', 'resources'),
  class: same(
    'title',
    'classCode',
    'classType',
    'location',
    'grades',
    'subjects',
    'course',
    'school',
    'terms',
    'subjectCodes',
    'periods',
    'resources',
  ),
  user: {
    '1.1': [...both, ...userFields, ...userFieldsToo, 'role', 'orgs'],
    '1.2': [
      ...both,
      ...userFields,
      ...userFieldsToo,
      'userMasterIdentifier',
      'preferredFirstName',
      'preferredMiddleName',
      'preferredLastName',
      'pronouns',
      'roles',
      'userProfiles',
      'primaryOrg',
      'resources',
    ],
  },
  enrollment: same('user', 'class', 'school', 'role', 'primary', 'beginDate', 'endDate'),
  demographics: same(...Object.keys(comparableFields.demographics)),
};

function same(...names: readonly string[]) {
  const all = [...new Set([...both, ...names])];
  return { '1.1': all, '1.2': all };
}

export const isSelectable = (object: ObjectName, version: OneRosterVersion, name: string): boolean =>
  selectable[object][version].includes(name);
