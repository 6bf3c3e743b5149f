import { z } from 'zod';

/**
 * OneRoster 1.1 and 1.2 as servers send it. Only what is read is named: everything else (a user's
 * `password`) is cut here. Leaves are unknown: real providers send numbers, lists as text and nulls; map.ts reads them.
 */
const leaf = z.unknown().optional();

const base = { sourcedId: leaf, status: leaf, dateLastModified: leaf };

export const orgSchema = z.object({ ...base, name: leaf, type: leaf, identifier: leaf, parent: leaf });
export const academicSessionSchema = z.object({
  ...base,
  title: leaf,
  type: leaf,
  startDate: leaf,
  endDate: leaf,
  schoolYear: leaf,
  parent: leaf,
});
export const courseSchema = z.object({
  ...base,
  title: leaf,
  courseCode: leaf,
  grades: leaf,
  subjects: leaf,
  subjectCodes: leaf,
  org: leaf,
  schoolYear: leaf,
  metadata: leaf,
});
export const classSchema = z.object({
  ...base,
  title: leaf,
  classCode: leaf,
  classType: leaf,
  grades: leaf,
  subjects: leaf,
  course: leaf,
  school: leaf,
  terms: leaf,
  metadata: leaf,
});

/** 1.2 has `roles`, 1.1 `role` and `orgs`. `password` and profiles, which hold passwords too, are not named: they are never read. */
export const userSchema = z.object({
  ...base,
  enabledUser: leaf,
  username: leaf,
  userIds: leaf,
  givenName: leaf,
  familyName: leaf,
  middleName: leaf,
  preferredFirstName: leaf,
  preferredGivenName: leaf,
  preferredLastName: leaf,
  preferredFamilyName: leaf,
  pronouns: leaf,
  identifier: leaf,
  userMasterIdentifier: leaf,
  email: leaf,
  sms: leaf,
  phone: leaf,
  roles: leaf,
  role: leaf,
  orgs: leaf,
  primaryOrg: leaf,
  agents: leaf,
  grades: leaf,
  grade: leaf,
  metadata: leaf,
});
export const enrolmentSchema = z.object({
  ...base,
  user: leaf,
  class: leaf,
  school: leaf,
  role: leaf,
  primary: leaf,
  beginDate: leaf,
  endDate: leaf,
});
export const raceNames = [
  'americanIndianOrAlaskaNative',
  'asian',
  'blackOrAfricanAmerican',
  'nativeHawaiianOrOtherPacificIslander',
  'white',
  'demographicRaceTwoOrMoreRaces',
  'hispanicOrLatinoEthnicity',
] as const;
export const demographicsSchema = z.object({
  ...base,
  birthDate: leaf,
  /** OneRoster 1.1 spells it so in places. */
  birthdate: leaf,
  sex: leaf,
  americanIndianOrAlaskaNative: leaf,
  asian: leaf,
  blackOrAfricanAmerican: leaf,
  nativeHawaiianOrOtherPacificIslander: leaf,
  white: leaf,
  demographicRaceTwoOrMoreRaces: leaf,
  hispanicOrLatinoEthnicity: leaf,
  countryOfBirthCode: leaf,
  stateOfBirthAbbreviation: leaf,
  cityOfBirth: leaf,
  publicSchoolResidenceStatus: leaf,
});

/** RFC 6749 §5.1, with `expires_in` as number or text. */
export const tokenAnswerSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().optional(),
  expires_in: z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)])
    .optional()
    .catch(undefined),
  scope: z.string().optional().catch(undefined),
});

/** RFC 6749 §5.2. */
export const tokenErrorSchema = z.object({
  error: z.enum([
    'invalid_request',
    'invalid_client',
    'invalid_grant',
    'unauthorized_client',
    'unsupported_grant_type',
    'invalid_scope',
  ]),
});

const codeMinor = z.union([
  z.string(),
  z
    .object({ imsx_codeMinorField: z.array(z.object({ imsx_codeMinorFieldValue: z.string() })).min(1) })
    .transform((nested) => nested.imsx_codeMinorField[0]?.imsx_codeMinorFieldValue ?? ''),
]);
const statusInfo = z
  .object({
    imsx_CodeMinor: codeMinor.optional(),
    imsx_codeMinor: codeMinor.optional(),
    codeMinor: codeMinor.optional(),
  })
  .transform((status) => status.imsx_CodeMinor ?? status.imsx_codeMinor ?? status.codeMinor ?? null);

/** The forms in which a refusal comes: flat and wrapped (1.2), in a list (1.1), with the code nested or plain. */
const refusalSchema = z.union([
  z.object({ imsx_StatusInfo: statusInfo }).transform((wrapped) => wrapped.imsx_StatusInfo),
  z.object({ imsx_statusInfo: statusInfo }).transform((wrapped) => wrapped.imsx_statusInfo),
  z.object({ statusInfoSet: z.array(statusInfo).min(1) }).transform((set) => set.statusInfoSet[0] ?? null),
  z.object({ errors: z.array(statusInfo).min(1) }).transform((set) => set.errors[0] ?? null),
  statusInfo,
]);

const knownCodes = new Set([
  'fullsuccess',
  'invalidfilterfield',
  'invalidselectionfield',
  'invalidblankselectionfield',
  'invalidsortfield',
  'invaliddata',
  'unauthorisedrequest',
  'unauthorized',
  'forbidden',
  'serverbusy',
  'unknownobject',
  'internalservererror',
  'unsupported',
]);

/** The code of a refusal without case, space and underscore, where it is one of the standard's; null else. */
export function codeMinorOf(body: unknown): string | null {
  const parsed = refusalSchema.safeParse(body);
  const code = parsed.success ? (parsed.data?.toLowerCase().replaceAll(/[\s_]/g, '') ?? null) : null;
  return code !== null && knownCodes.has(code) ? code : null;
}
