/** The records of a school as the generator makes them: no wire format, so that every sandbox program says them its own way. */

import type { Stream } from './flavours.ts';

export type RecordStatus = 'active' | 'tobedeleted';

/** What every record carries. `modified` is an ISO date-time in UTC. */
export type Base = { id: string; status: RecordStatus; modified: string };

export type OrgRecord = Base & {
  name: string;
  kind: 'district' | 'school' | 'department';
  identifier: string;
  parentId: string | null;
  childIds: readonly string[];
};

export type SessionRecord = Base & {
  title: string;
  kind: 'schoolYear' | 'semester' | 'term' | 'gradingPeriod';
  start: string;
  /** First day after the period. */
  end: string;
  parentId: string | null;
  childIds: readonly string[];
  /** The year in which the school year ends. */
  schoolYear: string;
};

export type CourseRecord = Base & {
  title: string;
  code: string;
  schoolYearId: string;
  siteId: string;
  grades: readonly string[];
  subjects: readonly string[];
  subjectCodes: readonly string[];
  metadata: Readonly<Record<string, string>>;
};

export type ClassRecord = Base & {
  title: string;
  code: string;
  kind: 'homeroom' | 'scheduled';
  location: string;
  grades: readonly string[];
  subjects: readonly string[];
  subjectCodes: readonly string[];
  courseId: string;
  siteId: string;
  termIds: readonly string[];
  periods: readonly string[];
  stream: Stream | null;
  metadata: Readonly<Record<string, string>>;
};

export type PersonRole =
  | 'student'
  | 'teacher'
  | 'guardian'
  | 'parent'
  | 'relative'
  | 'principal'
  | 'counselor'
  | 'aide'
  | 'siteAdministrator'
  | 'districtAdministrator';

/** What each role is called in OneRoster 1.1, which has one role a person and fewer words for it. */
export const v1p1Roles: Record<PersonRole, string> = {
  student: 'student',
  teacher: 'teacher',
  guardian: 'guardian',
  parent: 'parent',
  relative: 'relative',
  aide: 'aide',
  principal: 'administrator',
  counselor: 'administrator',
  siteAdministrator: 'administrator',
  districtAdministrator: 'administrator',
};

export type PersonRecord = Base & {
  kind: 'student' | 'teacher' | 'guardian' | 'staff';
  username: string;
  /** Student or staff number; empty for guardians. */
  identifier: string;
  given: string;
  middle: string;
  family: string;
  preferred: string;
  email: string;
  phone: string;
  sms: string;
  enabled: boolean;
  grades: readonly string[];
  roles: readonly { role: PersonRole; orgId: string; primary: boolean }[];
  agentIds: readonly string[];
  /** What a student is in; null for everybody else. */
  stream: Stream | null;
  /** Only where a SIS tells streams with its students. */
  metadata?: Readonly<Record<string, string>>;
  /** Only where a SIS knows one person by several ids. */
  masterIdentifier?: string;
};

export type EnrolmentRecord = Base & {
  personId: string;
  classId: string;
  siteId: string;
  role: 'student' | 'teacher';
  primary: boolean;
  begin: string;
  end: string;
};

export type DemographicRecord = Base & {
  birthDate: string;
  sex: 'male' | 'female' | 'unspecified';
  flags: Readonly<Record<string, boolean>>;
  countryOfBirth: string;
  stateOfBirth: string;
  cityOfBirth: string;
};
