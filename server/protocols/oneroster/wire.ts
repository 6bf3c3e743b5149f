import type { OneRosterVersion } from './versions.ts';

/** Objects of OneRoster as they go out (reference §§5, 6, 8), from rows whose references are ids that the reader may follow. Pure. */

/** What every object has. */
export interface Head {
  readonly id: string;
  readonly status: 'active' | 'tobedeleted';
  /** ISO 8601 in UTC. */
  readonly modifiedAt: string;
}

/** A stream as it travels in metadata: null where there is none, or none may be told. */
export interface WireStream {
  readonly id: string;
  readonly code: string | null;
  readonly name: string;
  readonly programme: string | null;
  readonly level: string | null;
  readonly year: string | null;
}

export interface OrgRow {
  readonly name: string;
  readonly type: string;
  readonly identifier: string | null;
  readonly parentId: string | null;
  readonly childIds: readonly string[];
}

export interface AcademicSessionRow {
  readonly title: string;
  readonly type: string;
  readonly startsOn: string;
  readonly endsOn: string;
  readonly schoolYear: string | null;
  readonly parentId: string | null;
  readonly childIds: readonly string[];
}

export interface CourseRow {
  readonly title: string;
  readonly courseCode: string | null;
  readonly grades: readonly string[];
  readonly subjects: readonly string[];
  readonly subjectCodes: readonly string[];
  readonly orgId: string | null;
  readonly schoolYearId: string | null;
}

export interface ClassRow {
  readonly title: string;
  readonly classCode: string | null;
  readonly isHomeroom: boolean;
  readonly grades: readonly string[];
  readonly subjects: readonly string[];
  readonly courseId: string | null;
  readonly schoolId: string | null;
  readonly termIds: readonly string[];
  readonly stream: WireStream | null;
}

export interface WireRole {
  readonly role: string;
  readonly isPrimary: boolean;
  readonly orgId: string;
  readonly beginsOn: string | null;
  readonly endsOn: string | null;
}

export interface UserRow {
  /** In the order in which 1.1, which knows one role of a person, chooses. */
  readonly roles: readonly WireRole[];
  /** What he is where no org is told of him. */
  readonly kind: string;
  readonly enabled: boolean;
  readonly username: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly middleName: string | null;
  readonly preferredGivenName: string | null;
  readonly preferredFamilyName: string | null;
  readonly pronouns: string | null;
  readonly identifier: string | null;
  readonly masterIdentifier: string | null;
  readonly email: string | null;
  readonly sms: string | null;
  readonly phone: string | null;
  readonly grades: readonly string[];
  /** Each `type:identifier`. */
  readonly userIds: readonly string[];
  readonly agentIds: readonly string[];
  readonly primaryOrgId: string | null;
  readonly stream: WireStream | null;
}

export interface EnrollmentRow {
  readonly userId: string;
  readonly classId: string;
  readonly schoolId: string | null;
  readonly role: string;
  readonly isPrimary: boolean | null;
  readonly beginsOn: string | null;
  readonly endsOn: string | null;
}

export interface DemographicsRow {
  readonly birthDate: string | null;
  readonly sex: string | null;
  /** Names of the standard's fields that are true. */
  readonly races: readonly string[];
  readonly countryOfBirth: string | null;
  readonly stateOfBirth: string | null;
  readonly cityOfBirth: string | null;
  readonly publicSchoolResidence: string | null;
}

/** What is undefined is not written. */
type Wire = Record<string, unknown>;

/** Writes objects in one version, with addresses below one base. */
export class Writer {
  readonly #version: OneRosterVersion;
  readonly #base: string;

  constructor(version: OneRosterVersion, base: string) {
    this.#version = version;
    this.#base = base;
  }

  /** A deleted object is told by its id alone: its content is nobody's any more. */
  deleted(head: Head): Wire {
    return headOf(head);
  }

  org(head: Head, row: OrgRow): Wire {
    return {
      ...headOf(head),
      name: row.name,
      type: row.type,
      identifier: row.identifier ?? '',
      parent: this.#optional('org', row.parentId),
      children: this.#several('org', row.childIds),
    };
  }

  academicSession(head: Head, row: AcademicSessionRow): Wire {
    return {
      ...headOf(head),
      title: row.title,
      startDate: row.startsOn,
      endDate: row.endsOn,
      type: row.type,
      parent: this.#optional('academicSession', row.parentId),
      children: this.#several('academicSession', row.childIds),
      // The year in which the school year ends; its end is the first day after it.
      schoolYear: row.schoolYear ?? row.endsOn.slice(0, 4),
    };
  }

  course(head: Head, row: CourseRow): Wire {
    return {
      ...headOf(head),
      title: row.title,
      schoolYear: this.#optional('academicSession', row.schoolYearId),
      courseCode: row.courseCode ?? '',
      grades: row.grades,
      subjects: row.subjects,
      org: this.#optional('org', row.orgId),
      subjectCodes: row.subjectCodes,
    };
  }

  class(head: Head, row: ClassRow): Wire {
    return {
      ...headOf(head),
      metadata: metadataOf(row.stream),
      title: row.title,
      classCode: told(row.classCode),
      classType: row.isHomeroom ? 'homeroom' : 'scheduled',
      grades: row.grades,
      subjects: row.subjects,
      course: this.#optional('course', row.courseId),
      school: this.#optional('org', row.schoolId),
      terms: row.termIds.map((id) => this.#ref('academicSession', id)),
    };
  }

  user(head: Head, row: UserRow): Wire {
    const is12 = this.#version === '1.2';
    return {
      ...headOf(head),
      metadata: metadataOf(row.stream),
      userMasterIdentifier: is12 ? told(row.masterIdentifier) : undefined,
      username: is12 ? told(row.username) : (row.username ?? ''),
      userIds: row.userIds.length === 0 ? undefined : row.userIds.map(userIdOf),
      enabledUser: String(row.enabled),
      givenName: row.givenName ?? row.preferredGivenName ?? '',
      familyName: row.familyName ?? row.preferredFamilyName ?? '',
      middleName: told(row.middleName),
      role: is12 ? undefined : (row.roles[0]?.role ?? row.kind),
      orgs: is12 ? undefined : this.#orgs(row),
      preferredFirstName: is12 ? told(row.preferredGivenName) : undefined,
      preferredLastName: is12 ? told(row.preferredFamilyName) : undefined,
      pronouns: is12 ? told(row.pronouns) : undefined,
      roles: is12 ? row.roles.map((role) => this.#role(role)) : undefined,
      primaryOrg: is12 ? this.#optional('org', row.primaryOrgId) : undefined,
      identifier: told(row.identifier),
      email: told(row.email),
      sms: told(row.sms),
      phone: told(row.phone),
      agents: this.#several('user', row.agentIds),
      grades: row.grades,
    };
  }

  enrollment(head: Head, row: EnrollmentRow): Wire {
    return {
      ...headOf(head),
      user: this.#ref('user', row.userId),
      class: this.#ref('class', row.classId),
      school: this.#optional('org', row.schoolId),
      role: row.role,
      primary: row.isPrimary === null ? undefined : String(row.isPrimary),
      beginDate: told(row.beginsOn),
      endDate: told(row.endsOn),
    };
  }

  demographics(head: Head, row: DemographicsRow): Wire {
    const isTold = this.#version === '1.2' || row.sex === 'male' || row.sex === 'female';
    return {
      ...headOf(head),
      birthDate: told(row.birthDate),
      sex: isTold ? told(row.sex) : undefined,
      ...Object.fromEntries(row.races.map((name) => [name, 'true'])),
      countryOfBirthCode: told(row.countryOfBirth),
      stateOfBirthAbbreviation: told(row.stateOfBirth),
      cityOfBirth: told(row.cityOfBirth),
      publicSchoolResidenceStatus: told(row.publicSchoolResidence),
    };
  }

  #role({ isPrimary, role, orgId, beginsOn, endsOn }: WireRole): Wire {
    return {
      roleType: isPrimary ? 'primary' : 'secondary',
      role,
      org: this.#ref('org', orgId),
      beginDate: told(beginsOn),
      endDate: told(endsOn),
    };
  }

  /** The primary org first, each once. */
  #orgs({ primaryOrgId, roles }: UserRow) {
    const ids = new Set([...(primaryOrgId === null ? [] : [primaryOrgId]), ...roles.map(({ orgId }) => orgId)]);
    return [...ids].map((id) => this.#ref('org', id));
  }

  #ref(type: keyof typeof collectionOf, id: string) {
    return { href: `${this.#base}/${collectionOf[type]}/${id}`, sourcedId: id, type };
  }

  #optional(type: keyof typeof collectionOf, id: string | null) {
    return id === null ? undefined : this.#ref(type, id);
  }

  #several(type: keyof typeof collectionOf, ids: readonly string[]) {
    return ids.length === 0 ? undefined : ids.map((id) => this.#ref(type, id));
  }
}

const collectionOf = {
  org: 'orgs',
  academicSession: 'academicSessions',
  course: 'courses',
  class: 'classes',
  user: 'users',
} as const;

const headOf = ({ id, status, modifiedAt }: Head) => ({ sourcedId: id, status, dateLastModified: modifiedAt });

const told = (value: string | null) => value ?? undefined;

/** Streams are no object of the standard: they are told in metadata, under names that docs/oneroster-provider.md lists. */
function metadataOf(stream: WireStream | null) {
  if (stream === null) return undefined;
  const { id, code, name, programme, level, year } = stream;
  return {
    streamId: id,
    stream: told(code),
    streamName: name,
    programme: told(programme),
    level: told(level),
    year: told(year),
  };
}

function userIdOf(text: string) {
  const at = text.indexOf(':');
  return { type: text.slice(0, Math.max(0, at)), identifier: text.slice(at + 1) };
}

/** Of an object the fields that were asked for; null: all. */
export function selected(object: Wire, fields: readonly string[] | null): Wire {
  if (fields === null) return object;
  return Object.fromEntries(fields.flatMap((name) => (Object.hasOwn(object, name) ? [[name, object[name]]] : [])));
}
