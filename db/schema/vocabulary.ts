/**
 * The words of DESIGN.md §1 and §2 as constants: the same in schema, code, URL and page. No Drizzle here, so that the
 * browser may import it.
 */

export const organisationKinds = ['operator', 'agent', 'vendor', 'school'] as const;
export type OrganisationKind = (typeof organisationKinds)[number];

export const operatorRoles = ['operator'] as const;
export const agentRoles = ['agent', 'agent-administrator'] as const;
export const schoolRoles = ['school-administrator', 'signatory', 'approver', 'technical-contact'] as const;
export const roles = [...operatorRoles, ...agentRoles, ...schoolRoles] as const;
export type AgentRole = (typeof agentRoles)[number];
export type SchoolRole = (typeof schoolRoles)[number];
export type Role = (typeof roles)[number];

/** Why a school's administrators are believed to be the school (DESIGN.md §2, "Nobody becomes the school by typing"). */
export const trustStates = ['unverified', 'in-review', 'trusted', 'refused'] as const;
export type TrustState = (typeof trustStates)[number];
export const trustGrounds = ['operator-review', 'register-domain'] as const;

/** Registers that number schools: US NCES, England and Wales URN, Netherlands BRIN, Germany Schulnummer, … */
export const registers = ['NCES', 'URN', 'BRIN', 'Schulnummer', 'UAI', 'other'] as const;
export type Register = (typeof registers)[number];

export const agreementStates = [
  'draft',
  'sent',
  'signed',
  'in-force',
  'notice-given',
  'ended',
  'declined',
  'withdrawn',
] as const;
export type AgreementState = (typeof agreementStates)[number];
/** States in which connections may be asked for: until the end date notice changes nothing. */
export const agreementStatesInForce = ['in-force', 'notice-given'] as const satisfies readonly AgreementState[];

export const systemKinds = ['sis', 'lms'] as const;
export type SystemKind = (typeof systemKinds)[number];

export const credentialStates = ['entered', 'proved', 'refused', 'destroyed'] as const;

export const consumerKinds = ['marketplace', 'lms', 'app'] as const;
export type ConsumerKind = (typeof consumerKinds)[number];

/** How an LMS gets what a SIS releases to it: it asks us, we write into it, or both are connected without us. */
export const connectionWays = ['pull', 'push', 'direct'] as const;
export type ConnectionWay = (typeof connectionWays)[number];

/** DESIGN.md §2, "States of a connection": one vocabulary, the same in code, page and mail. */
export const connectionStates = [
  'draft',
  'requested',
  'approved',
  'connecting',
  'live',
  'paused',
  'failing',
  'declined',
  'withdrawn',
  'lapsed',
  'revoked',
  'expired',
] as const;
export type ConnectionState = (typeof connectionStates)[number];

export const requestStates = ['draft', 'requested', 'approved', 'declined', 'withdrawn', 'lapsed', 'void'] as const;
export const requestKinds = ['open', 'amend', 'renew'] as const;

export const scopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
  'lms.courses',
  'lms.people',
  'lms.roster.write',
  'gradebook.read',
  'gradebook.write',
  'lti.launch',
] as const;
export type Scope = (typeof scopes)[number];
export const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text);
/** Scopes that name people; the marketplace's own edges may never carry one. */
export const peopleScopes = [
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
  'lms.people',
  'lms.roster.write',
  'gradebook.read',
  'gradebook.write',
  'lti.launch',
] as const satisfies readonly Scope[];
export const marketplaceSisScopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
] as const satisfies readonly Scope[];
/** What an LMS may be given of a SIS (DESIGN.md §2): its roster, people too. */
export const lmsSisScopes = [
  'roster.subjects',
  'roster.streams',
  'roster.groups',
  'roster.classes',
  'roster.teachers',
  'roster.students',
  'roster.guardians',
  'roster.demographics',
] as const satisfies readonly Scope[];
/** What the credential of an LMS must answer for where Crosswalk writes a roster into it. */
export const pushScopes = ['lms.people', 'lms.roster.write'] as const satisfies readonly Scope[];
export const marketplaceLmsScopes = ['lms.courses'] as const satisfies readonly Scope[];

/** Whose turn it is on a connection or agreement. */
export const turns = [
  'nobody',
  'agent',
  'agent-administrator',
  'signatory',
  'approver',
  'technical-contact',
  'school-administrator',
  'operator',
  'crosswalk',
] as const;
export type Turn = (typeof turns)[number];

export const syncStates = ['queued', 'running', 'succeeded', 'failed', 'held', 'discarded'] as const;
export type SyncState = (typeof syncStates)[number];
export const syncPhases = ['fetch', 'stage', 'plan', 'guard', 'apply', 'announce'] as const;
export const syncTriggers = ['first', 'schedule', 'hand', 'amended', 'import', 'undo'] as const;
export type SyncTrigger = (typeof syncTriggers)[number];

export const syncKinds = ['full', 'delta', 'undo'] as const;
export type SyncKind = (typeof syncKinds)[number];
/** Surest first: a person of several kinds counts as the first of them. */
export const personKinds = ['student', 'teacher', 'guardian', 'other'] as const;
export type PersonKind = (typeof personKinds)[number];
export const streamOrigins = [
  'metadata',
  'class-grades',
  'course-grades',
  'student-programme',
  'student-grades',
  'school-list',
] as const;
export const rosterChangeKinds = ['baseline', 'created', 'updated', 'deleted'] as const;
export const uploadWays = ['browser', 'sftp', 'command'] as const;
export const watchedFileStates = ['seen', 'handed-in', 'refused', 'passed-over'] as const;
/** `switching` and `undoing`: wanted by an approver, carried out by a job. */
export const replacementStates = ['reviewing', 'switching', 'switched', 'undoing', 'undone', 'given-up'] as const;
/** States in which the two systems belong together. */
export const openReplacementStates = ['reviewing', 'switching', 'switched', 'undoing'] as const;
/** States in which a job is at work on both systems, and no run begins. */
export const movingReplacementStates = ['switching', 'undoing'] as const;
/** States in which another system stands in the place of the old one. */
export const replacedStates = ['switched', 'undoing'] as const;

export const sessionStates = ['password-ok', 'full', 'revoked'] as const;

export const linkPurposes = [
  'first-operator',
  'invitation',
  'password-reset',
  'technical-contact',
  'email-change',
  'pairing',
] as const;
export type LinkPurpose = (typeof linkPurposes)[number];

/** What an LMS is given a course for. */
export const pushShapes = ['group', 'subject'] as const;
/** What becomes over there of who has left: kept out, with nothing lost, or left as it is. */
export const pushLeavers = ['suspend', 'leave'] as const;
export const pushEndings = ['leave', 'suspend', 'remove'] as const;
export type PushEnding = (typeof pushEndings)[number];
export const pushTriggers = ['first', 'sync', 'hand', 'ending'] as const;
export type PushTrigger = (typeof pushTriggers)[number];
export const pushPhases = ['read', 'plan', 'deliver', 'follow', 'read-back'] as const;
export const pushOrigins = ['made', 'adopted', 'found'] as const;
/** `propose`, `ask` and `wait` write nothing: they wait for an answer. `leave` and `set-aside` say what is not done, and why. */
export const pushRowActions = [
  'create',
  'update',
  'adopt',
  'suspend',
  'restore',
  'remove',
  'propose',
  'ask',
  'wait',
  'leave',
  'set-aside',
] as const;
export type PushRowAction = (typeof pushRowActions)[number];
/** `unknown`: sent, and it was not told whether it is there: the next push looks. */
export const pushRowStates = ['planned', 'sent', 'done', 'failed', 'unknown'] as const;
