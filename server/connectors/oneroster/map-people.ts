import type { DemographicsRecord, EnrolmentRecord, PersonRecord, PersonRole } from '#server/connectors/contract.ts';
import type { Deviations } from '#server/connectors/exchange/deviations.ts';
import { isObject, own, textOf } from '#server/connectors/exchange/foreign-text.ts';
import {
  aside,
  type Base,
  baseOf,
  flagOf,
  gradesOf,
  type Mapped,
  optionalDayOf,
  type Reading,
  refOf,
  streamHintOf,
  word,
} from './map-base.ts';
import { demographicsSchema, enrolmentSchema, raceNames, userSchema } from './wire.ts';

/** What a record of people became: no scope needs it, or as any other. */
export type Sifted<R> = Mapped<R> | { readonly cut: true };

/** Which people are wanted of those who come. */
export interface WantedPeople {
  /** The roles that make a person one of the collection. */
  readonly roles: readonly string[];
  /** The role for whose people alone the system was asked; null where it was asked for all. */
  readonly askedFor: string | null;
  /** Roles whose people came before in the same fetch. */
  readonly before: readonly string[];
}

const cut = { cut: true } as const;

/** Role words of 1.2 and 1.1. */
const roleWords = [
  'administrator',
  'aide',
  'counselor',
  'districtAdministrator',
  'guardian',
  'parent',
  'principal',
  'proctor',
  'relative',
  'siteAdministrator',
  'student',
  'systemAdministrator',
  'teacher',
];
/** Roles, references and ids of one person that are read at most. */
const mostPerPerson = 200;

const untold = {
  enabled: null,
  username: null,
  givenName: null,
  familyName: null,
  middleName: null,
  preferredGivenName: null,
  preferredFamilyName: null,
  pronouns: null,
  identifier: null,
  masterIdentifier: null,
  email: null,
  sms: null,
  phone: null,
  grades: [],
  userIds: [],
  agentSourceIds: [],
  primarySiteSourceId: null,
  roles: [],
  stream: null,
} as const satisfies Omit<PersonRecord, 'sourceId'>;

/**
 * A user as a person of the wanted roles; another is cut. A deleted one is told by id alone. Pure, takes any value and never throws.
 */
export function personOf(value: unknown, reading: Reading, wanted: WantedPeople): Sifted<PersonRecord> {
  const parsed = userSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const told = rolesOf(raw, deviations);
  const roles = told.filter(({ role }) => wanted.roles.includes(role));
  if (told.some(({ role }) => wanted.before.includes(role))) return cut;
  if (roles.length === 0 && told.length > 0) {
    if (wanted.askedFor !== null) deviations.note('role-filter-ignored');
    return cut;
  }
  if (base.deleted) return { record: { ...base, ...untold } };
  if (roles.length === 0 && wanted.askedFor === null) return aside(base.sourceId, 'role', 'role-missing');
  if (roles.length === 0 && wanted.askedFor !== null) {
    deviations.note('role-missing');
    roles.push(...inOrgs(wanted.askedFor, raw.orgs, deviations));
  }
  const givenName = textOf(raw.givenName, deviations);
  const familyName = textOf(raw.familyName, deviations);
  const preferredGivenName = textOf(raw.preferredFirstName ?? raw.preferredGivenName, deviations);
  const preferredFamilyName = textOf(raw.preferredLastName ?? raw.preferredFamilyName, deviations);
  if ((givenName ?? familyName ?? preferredGivenName ?? preferredFamilyName) === null) {
    return aside(base.sourceId, 'familyName', 'name-missing');
  }
  if (givenName === null) deviations.note('given-name-missing');
  if (familyName === null) deviations.note('family-name-missing');
  if (raw.username === '') deviations.note('username-empty');
  const enabled = flagOf(raw.enabledUser, deviations);
  if (enabled === null) deviations.note('enabled-missing');
  const grades = gradesOf(raw.grades ?? raw.grade, deviations);
  const from = { metadata: 'student-programme', grades: 'student-grades' } as const;
  return {
    record: {
      ...base,
      enabled,
      username: textOf(raw.username, deviations),
      givenName,
      familyName,
      middleName: textOf(raw.middleName, deviations),
      preferredGivenName,
      preferredFamilyName,
      pronouns: textOf(raw.pronouns, deviations),
      identifier: textOf(raw.identifier, deviations),
      masterIdentifier: textOf(raw.userMasterIdentifier, deviations),
      email: textOf(raw.email, deviations),
      sms: textOf(raw.sms, deviations),
      phone: textOf(raw.phone, deviations),
      grades,
      userIds: userIdsOf(raw.userIds, deviations),
      agentSourceIds: refsOf(raw.agents, deviations),
      primarySiteSourceId:
        refOf(raw.primaryOrg, deviations) ?? roles.find(({ roleType }) => roleType === 'primary')?.siteSourceId ?? null,
      roles,
      stream: wanted.roles.includes('student') ? streamHintOf(raw.metadata, grades, from, deviations) : null,
    },
  };
}

/** Roles per site (1.2), or the one role in each of the person's sites, of which the first is the primary one (1.1, reference §8). */
function rolesOf(raw: { roles?: unknown; role?: unknown; orgs?: unknown }, deviations: Deviations): PersonRole[] {
  const several = listOf(raw.roles ?? (Array.isArray(raw.role) ? raw.role : null));
  if (several.length > 0) return several.flatMap((one) => roleOf(one, raw.orgs, deviations));
  return raw.role === undefined || raw.role === null || raw.role === '' ? [] : roleOf(raw.role, raw.orgs, deviations);
}

const roleTypes = ['primary', 'secondary'];

function roleOf(value: unknown, orgs: unknown, deviations: Deviations): PersonRole[] {
  if (!isObject(value)) {
    const role = word(value, roleWords, deviations);
    return role === null ? [] : inOrgs(role, orgs, deviations);
  }
  const role = word(own(value, 'role'), roleWords, deviations);
  if (role === null) return [];
  const org = own(value, 'org');
  if (org === undefined || org === null) {
    deviations.note('role-as-object');
    return inOrgs(role, orgs, deviations);
  }
  return [
    {
      role,
      roleType: word(own(value, 'roleType'), roleTypes, deviations),
      siteSourceId: refOf(org, deviations),
      beginsOn: optionalDayOf(own(value, 'beginDate'), deviations),
      endsOn: optionalDayOf(own(value, 'endDate'), deviations),
    },
  ];
}

function inOrgs(role: string, orgs: unknown, deviations: Deviations): PersonRole[] {
  const nothing = { beginsOn: null, endsOn: null };
  const sites = refsOf(orgs, deviations);
  if (sites.length === 0) return [{ role, roleType: null, siteSourceId: null, ...nothing }];
  return sites.map((siteSourceId, at) => ({
    role,
    roleType: at === 0 ? 'primary' : 'secondary',
    siteSourceId,
    ...nothing,
  }));
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value.slice(0, mostPerPerson) : value === null || value === undefined ? [] : [value];

/** The ids in a list of references, each once. */
function refsOf(value: unknown, deviations: Deviations): string[] {
  const ids = listOf(value).map((one) => refOf(one, deviations));
  return ids.length === 0 ? [] : [...new Set(ids.filter((id) => id !== null))];
}

/** Further ids as `type:identifier`; the CSV binding's form `{type:identifier}` is read too. */
function userIdsOf(value: unknown, deviations: Deviations): string[] {
  const ids = listOf(value).flatMap((one) => {
    if (!isObject(one)) {
      const text = textOf(one, deviations)?.replace(/^\{(.*)\}$/, '$1') ?? null;
      return text === null ? [] : [text.includes(':') ? text : `:${text}`];
    }
    const identifier = textOf(own(one, 'identifier'), deviations);
    if (identifier === null) return [];
    const type = textOf(own(one, 'type'), deviations);
    if (type === null) deviations.note('user-id-without-type');
    return [`${type ?? ''}:${identifier}`];
  });
  return ids.length === 0 ? [] : [...new Set(ids)];
}

/** An enrolment of a wanted role; another is cut. */
export function enrolmentOf(
  value: unknown,
  reading: Reading,
  wanted: { readonly roles: readonly string[]; readonly askedFor: string | null },
): Sifted<EnrolmentRecord> {
  const parsed = enrolmentSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base: Base | ReturnType<typeof aside> = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const role = word(raw.role, roleWords, deviations);
  if (role !== null && !wanted.roles.includes(role)) {
    if (wanted.askedFor !== null) deviations.note('role-filter-ignored');
    return cut;
  }
  const groupSourceId = refOf(raw.class, deviations);
  const personSourceId = refOf(raw.user, deviations);
  const beginsOn = optionalDayOf(raw.beginDate, deviations);
  const endsOn = optionalDayOf(raw.endDate, deviations);
  if (!base.deleted) {
    if (role === null) return aside(base.sourceId, 'role', 'role-missing');
    if (personSourceId === null) return aside(base.sourceId, 'user', 'person-missing');
    if (groupSourceId === null) return aside(base.sourceId, 'class', 'group-missing');
    if (beginsOn !== null && endsOn !== null && endsOn < beginsOn) {
      return aside(base.sourceId, 'endDate', 'dates-reversed');
    }
  }
  return {
    record: {
      ...base,
      groupSourceId,
      personSourceId,
      siteSourceId: refOf(raw.school, deviations),
      role,
      isPrimary: flagOf(raw.primary, deviations),
      beginsOn,
      endsOn,
    },
  };
}

const sexes = ['male', 'female', 'unspecified', 'other'];

/** Demographics under the id of the person whose they are. Of deleted ones nothing else is told. */
export function demographicsOf(value: unknown, reading: Reading): Mapped<DemographicsRecord> {
  const parsed = demographicsSchema.safeParse(value);
  if (!parsed.success) return aside(null, null, 'not-an-object');
  const raw = parsed.data;
  const base = baseOf(raw, reading);
  if ('setAside' in base) return base;
  const { deviations } = reading;
  const { deleted } = base;
  const text = (leaf: unknown) => (deleted ? null : textOf(leaf, deviations));
  return {
    record: {
      ...base,
      birthDate: deleted ? null : optionalDayOf(raw.birthDate ?? raw.birthdate, deviations),
      sex: deleted ? null : word(raw.sex, sexes, deviations),
      races: deleted ? [] : raceNames.filter((name) => flagOf(raw[name], deviations) === true),
      countryOfBirth: text(raw.countryOfBirthCode),
      stateOfBirth: text(raw.stateOfBirthAbbreviation),
      cityOfBirth: text(raw.cityOfBirth),
      publicSchoolResidence: text(raw.publicSchoolResidenceStatus),
    },
  };
}
