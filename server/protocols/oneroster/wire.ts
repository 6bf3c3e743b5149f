import { z } from 'zod';
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

/** Texts of a user that go out as they rest. */
export type UserText =
  | 'username'
  | 'givenName'
  | 'familyName'
  | 'middleName'
  | 'preferredGivenName'
  | 'preferredFamilyName'
  | 'pronouns'
  | 'identifier'
  | 'masterIdentifier'
  | 'email'
  | 'sms'
  | 'phone';

/** A member of an object that is told as it rests. `required`: an empty text where there is none; else it is left out. */
export interface TextMember {
  readonly name: string;
  readonly of: UserText;
  readonly required: boolean;
}

const member = (name: string, of: UserText, required = false): TextMember => ({ name, of, required });
const inBoth = [
  member('givenName', 'givenName', true),
  member('familyName', 'familyName', true),
  member('middleName', 'middleName'),
  member('identifier', 'identifier'),
  member('email', 'email'),
  member('sms', 'sms'),
  member('phone', 'phone'),
];

/** What of a user is told as it rests, in each version. Whoever reads the rows makes JSON of it: these are most of a page. */
export const userTexts: Readonly<Record<OneRosterVersion, readonly TextMember[]>> = {
  '1.1': [member('username', 'username', true), ...inBoth],
  '1.2': [
    member('username', 'username'),
    ...inBoth,
    member('userMasterIdentifier', 'masterIdentifier'),
    member('preferredFirstName', 'preferredGivenName'),
    member('preferredLastName', 'preferredFamilyName'),
    member('pronouns', 'pronouns'),
  ],
};

/** Where somebody belongs. Very many have it in common: give them one object, and it is written once. */
export interface Belonging {
  /** In the order in which 1.1, which knows one role of a person, chooses. */
  readonly roles: readonly WireRole[];
  /** What he is where no org is told of him. */
  readonly kind: string;
  readonly primaryOrgId: string | null;
}

export interface UserRow {
  /** JSON of `userTexts`, `enabledUser` and `grades`: members, each behind a comma. */
  readonly members: string;
  readonly belonging: Belonging;
  /** Each `type:identifier`. */
  readonly userIds: readonly string[];
  readonly agentIds: readonly string[];
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
/** An object that is JSON already: of people there are very many, and each is put together out of ready parts. */
type WireText = string;

/** Writes objects in one version, with addresses below one base. */
export class Writer {
  readonly version: OneRosterVersion;
  readonly #base: string;
  /** JSON of what many objects have in common, by id. */
  readonly #orgTexts = new Map<string, string>();
  readonly #streamTexts = new Map<string, string>();
  readonly #belongingTexts = new Map<Belonging, string>();

  constructor(version: OneRosterVersion, base: string) {
    this.version = version;
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

  user(head: Head, row: UserRow): WireText {
    const { members, belonging, userIds, agentIds, stream } = row;
    let text = `${JSON.stringify(headOf(head)).slice(0, -1)}${members}${this.#belongingText(belonging)}`;
    if (stream !== null) text += `,"metadata":${this.#streamText(stream)}`;
    if (userIds.length > 0) text += `,"userIds":${JSON.stringify(userIds.map(userIdOf))}`;
    if (agentIds.length > 0) text += `,"agents":${JSON.stringify(this.#several('user', agentIds))}`;
    return `${text}}`;
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
    const isTold = this.version === '1.2' || row.sex === 'male' || row.sex === 'female';
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

  #roleText({ isPrimary, role, orgId, beginsOn, endsOn }: WireRole): string {
    const begins = beginsOn === null ? '' : `,"beginDate":${JSON.stringify(beginsOn)}`;
    const ends = endsOn === null ? '' : `,"endDate":${JSON.stringify(endsOn)}`;
    const type = isPrimary ? 'primary' : 'secondary';
    return `{"roleType":"${type}","role":${JSON.stringify(role)},"org":${this.#orgText(orgId)}${begins}${ends}}`;
  }

  #belongingText(belonging: Belonging): string {
    return keptIn(this.#belongingTexts, belonging, () => {
      const { roles, kind, primaryOrgId } = belonging;
      if (this.version === '1.1') {
        return `,"role":${JSON.stringify(roles[0]?.role ?? kind)},"orgs":[${this.#orgsText(belonging)}]`;
      }
      const primary = primaryOrgId === null ? '' : `,"primaryOrg":${this.#orgText(primaryOrgId)}`;
      return `,"roles":[${roles.map((role) => this.#roleText(role)).join(',')}]${primary}`;
    });
  }

  /** The primary org first, each once. */
  #orgsText({ primaryOrgId, roles }: Belonging): string {
    const ids = new Set([...(primaryOrgId === null ? [] : [primaryOrgId]), ...roles.map(({ orgId }) => orgId)]);
    return [...ids].map((id) => this.#orgText(id)).join(',');
  }

  #orgText(id: string): string {
    return keptIn(this.#orgTexts, id, () => JSON.stringify(this.#ref('org', id)));
  }

  #streamText(stream: WireStream): string {
    return keptIn(this.#streamTexts, stream.id, () => JSON.stringify(metadataOf(stream)));
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

function keptIn<Key>(texts: Map<Key, string>, key: Key, make: () => string): string {
  const kept = texts.get(key);
  if (kept !== undefined) return kept;
  const made = make();
  texts.set(key, made);
  return made;
}

const wireSchema = z.record(z.string(), z.unknown());

/** An object as JSON, with the fields that were asked for; null: all. */
export function jsonOf(object: Wire | WireText, fields: readonly string[] | null): string {
  if (fields === null) return typeof object === 'string' ? object : JSON.stringify(object);
  const whole = typeof object === 'string' ? wireSchema.parse(JSON.parse(object)) : object;
  const asked = fields.flatMap((name) => (Object.hasOwn(whole, name) ? [[name, whole[name]]] : []));
  return JSON.stringify(Object.fromEntries(asked));
}
