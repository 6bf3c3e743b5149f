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
      ...this.#optional('parent', 'org', row.parentId),
      ...(row.childIds.length === 0 ? {} : { children: row.childIds.map((id) => this.#ref('org', id)) }),
    };
  }

  academicSession(head: Head, row: AcademicSessionRow): Wire {
    return {
      ...headOf(head),
      title: row.title,
      startDate: row.startsOn,
      endDate: row.endsOn,
      type: row.type,
      ...this.#optional('parent', 'academicSession', row.parentId),
      ...(row.childIds.length === 0 ? {} : { children: row.childIds.map((id) => this.#ref('academicSession', id)) }),
      // The year in which the school year ends; its end is the first day after it.
      schoolYear: row.schoolYear ?? row.endsOn.slice(0, 4),
    };
  }

  course(head: Head, row: CourseRow): Wire {
    return {
      ...headOf(head),
      title: row.title,
      ...this.#optional('schoolYear', 'academicSession', row.schoolYearId),
      courseCode: row.courseCode ?? '',
      grades: row.grades,
      subjects: row.subjects,
      ...this.#optional('org', 'org', row.orgId),
      subjectCodes: row.subjectCodes,
    };
  }

  class(head: Head, row: ClassRow): Wire {
    return {
      ...headOf(head),
      ...metadataOf(row.stream),
      title: row.title,
      ...told('classCode', row.classCode),
      classType: row.isHomeroom ? 'homeroom' : 'scheduled',
      grades: row.grades,
      subjects: row.subjects,
      ...this.#optional('course', 'course', row.courseId),
      ...this.#optional('school', 'org', row.schoolId),
      terms: row.termIds.map((id) => this.#ref('academicSession', id)),
    };
  }

  user(head: Head, row: UserRow): Wire {
    const common = {
      ...headOf(head),
      ...metadataOf(row.stream),
      ...(this.#version === '1.2' ? told('userMasterIdentifier', row.masterIdentifier) : {}),
      ...(row.username === null && this.#version === '1.2' ? {} : { username: row.username ?? '' }),
      ...(row.userIds.length === 0 ? {} : { userIds: row.userIds.map(userIdOf) }),
      enabledUser: String(row.enabled),
      givenName: row.givenName ?? row.preferredGivenName ?? '',
      familyName: row.familyName ?? row.preferredFamilyName ?? '',
      ...told('middleName', row.middleName),
    };
    const contact = {
      ...told('identifier', row.identifier),
      ...told('email', row.email),
      ...told('sms', row.sms),
      ...told('phone', row.phone),
      ...(row.agentIds.length === 0 ? {} : { agents: row.agentIds.map((id) => this.#ref('user', id)) }),
      grades: row.grades,
    };
    if (this.#version === '1.1') {
      return { ...common, role: row.roles[0]?.role ?? row.kind, orgs: this.#orgs(row), ...contact };
    }
    return {
      ...common,
      ...told('preferredFirstName', row.preferredGivenName),
      ...told('preferredLastName', row.preferredFamilyName),
      ...told('pronouns', row.pronouns),
      roles: row.roles.map((role) => ({
        roleType: role.isPrimary ? 'primary' : 'secondary',
        role: role.role,
        org: this.#ref('org', role.orgId),
        ...told('beginDate', role.beginsOn),
        ...told('endDate', role.endsOn),
      })),
      ...this.#optional('primaryOrg', 'org', row.primaryOrgId),
      ...contact,
    };
  }

  enrollment(head: Head, row: EnrollmentRow): Wire {
    return {
      ...headOf(head),
      user: this.#ref('user', row.userId),
      class: this.#ref('class', row.classId),
      ...this.#optional('school', 'org', row.schoolId),
      role: row.role,
      ...(row.isPrimary === null ? {} : { primary: String(row.isPrimary) }),
      ...told('beginDate', row.beginsOn),
      ...told('endDate', row.endsOn),
    };
  }

  demographics(head: Head, row: DemographicsRow): Wire {
    const isTold = this.#version === '1.2' || row.sex === 'male' || row.sex === 'female';
    return {
      ...headOf(head),
      ...told('birthDate', row.birthDate),
      ...(isTold ? told('sex', row.sex) : {}),
      ...Object.fromEntries(row.races.map((name) => [name, 'true'])),
      ...told('countryOfBirthCode', row.countryOfBirth),
      ...told('stateOfBirthAbbreviation', row.stateOfBirth),
      ...told('cityOfBirth', row.cityOfBirth),
      ...told('publicSchoolResidenceStatus', row.publicSchoolResidence),
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

  #optional(name: string, type: keyof typeof collectionOf, id: string | null): Wire {
    return id === null ? {} : { [name]: this.#ref(type, id) };
  }
}

const collectionOf = {
  org: 'orgs',
  academicSession: 'academicSessions',
  course: 'courses',
  class: 'classes',
  user: 'users',
} as const;

const headOf = ({ id, status, modifiedAt }: Head): Wire => ({ sourcedId: id, status, dateLastModified: modifiedAt });

const told = (name: string, value: string | null): Wire => (value === null ? {} : { [name]: value });

/** Streams are no object of the standard: they are told in metadata, under names that docs/oneroster-provider.md lists. */
function metadataOf(stream: WireStream | null): Wire {
  if (stream === null) return {};
  return {
    metadata: {
      streamId: stream.id,
      ...told('stream', stream.code),
      streamName: stream.name,
      ...told('programme', stream.programme),
      ...told('level', stream.level),
      ...told('year', stream.year),
    },
  };
}

function userIdOf(text: string): Wire {
  const at = text.indexOf(':');
  return { type: text.slice(0, Math.max(0, at)), identifier: text.slice(at + 1) };
}

/** Of an object the fields that were asked for; null: all. */
export function selected(object: Wire, fields: readonly string[] | null): Wire {
  if (fields === null) return object;
  return Object.fromEntries(fields.flatMap((name) => (Object.hasOwn(object, name) ? [[name, object[name]]] : [])));
}
