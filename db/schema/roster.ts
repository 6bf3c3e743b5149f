import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bytea, codePointText, createdAt, id, moment, oneOf } from './columns.ts';
import { school } from './schools.ts';
import { system } from './systems.ts';
import {
  personKinds,
  replacementStates,
  rosterChangeKinds,
  streamOrigins,
  syncKinds,
  syncPhases,
  syncStates,
  syncTriggers,
  uploadWays,
  watchedFileStates,
} from './vocabulary.ts';

/**
 * Columns of every roster collection: a Crosswalk id of its own, the source's id as a link per system, a content hash. No foreign keys:
 * references are proved in staging (DESIGN.md §5), and a check per row would more than double the time of a large district.
 */
const rosterColumns = () => ({
  id: id(),
  schoolId: uuid('school_id').notNull(),
  systemId: uuid('system_id').notNull(),
  sourceId: text('source_id').notNull(),
  /** Of the cells as the source told them: it notices a change and guards nothing; 0: not known. */
  contentHash: bigint('content_hash', { mode: 'bigint' }).notNull(),
  /** When the source last changed it, as it says. */
  sourceModifiedAt: moment('source_modified_at'),
  /** Absent from this many complete fetches in a row; gone at two (DESIGN.md §5, "missing is not gone"). */
  missedFetches: smallint('missed_fetches').notNull().default(0),
  firstSeenAt: moment('first_seen_at').notNull(),
  /** Null: at the collection's last fetch (`roster_fetch.seen_at`), so that what is unchanged is not written. */
  lastSeenAt: moment('last_seen_at'),
  goneAt: moment('gone_at'),
  /** When it was last written otherwise than it was, by our clock: what consumers are told as its last modification. */
  changedAt: moment('changed_at').notNull().defaultNow(),
});

export const rosterSite = pgTable(
  'roster_site',
  {
    ...rosterColumns(),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    identifier: text('identifier'),
    parentSourceId: text('parent_source_id'),
    /** The school's own site that it was recognised as. */
    siteId: uuid('site_id'),
  },
  (t) => [unique('roster_site_source').on(t.schoolId, t.systemId, t.sourceId)],
);

export const rosterTerm = pgTable(
  'roster_term',
  {
    ...rosterColumns(),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    startsOn: text('starts_on').notNull(),
    /** Exclusive, as in OneRoster: the first day after the term. */
    endsOn: text('ends_on').notNull(),
    schoolYear: text('school_year'),
    parentSourceId: text('parent_source_id'),
  },
  (t) => [unique('roster_term_source').on(t.schoolId, t.systemId, t.sourceId)],
);

export const rosterSubject = pgTable(
  'roster_subject',
  {
    ...rosterColumns(),
    title: text('title').notNull(),
    courseCode: text('course_code'),
    grades: text('grades').array().notNull().default([]),
    subjects: text('subjects').array().notNull().default([]),
    subjectCodes: text('subject_codes').array().notNull().default([]),
    siteSourceId: text('site_source_id'),
    schoolYearSourceId: text('school_year_source_id'),
  },
  (t) => [unique('roster_subject_source').on(t.schoolId, t.systemId, t.sourceId)],
);

/** programme × level × year, derived from class and course grades, levels and metadata; never from students here. */
export const rosterStream = pgTable(
  'roster_stream',
  {
    ...rosterColumns(),
    name: text('name').notNull(),
    /** The school's own short word for it, where the source tells one. */
    code: text('code'),
    programme: text('programme'),
    level: text('level'),
    year: text('year'),
    derivedFrom: text('derived_from', { enum: streamOrigins }).notNull(),
  },
  (t) => [unique('roster_stream_source').on(t.schoolId, t.systemId, t.sourceId)],
);

/** Teaching groups (OneRoster class of type scheduled); home classes come with `roster.classes` in the same table. */
export const rosterGroup = pgTable(
  'roster_group',
  {
    ...rosterColumns(),
    kind: text('kind', { enum: ['group', 'class'] }).notNull(),
    title: text('title').notNull(),
    code: text('code'),
    grades: text('grades').array().notNull().default([]),
    subjects: text('subjects').array().notNull().default([]),
    subjectSourceId: text('subject_source_id'),
    siteSourceId: text('site_source_id'),
    streamSourceId: text('stream_source_id'),
    termSourceIds: text('term_source_ids').array().notNull().default([]),
  },
  (t) => [
    unique('roster_group_source').on(t.schoolId, t.systemId, t.sourceId),
    oneOf('roster_group_kind', t.kind, ['group', 'class']),
  ],
);

/**
 * People of every kind, each once. Fields that no grant needs are null; `password` exists nowhere. A gone one keeps its content for thirty
 * days (undo), then its ids alone, so that who comes back is the same.
 */
export const rosterPerson = pgTable(
  'roster_person',
  {
    ...rosterColumns(),
    /** The first of `kinds` in this order: student, teacher, guardian, other. */
    kind: text('kind', { enum: personKinds }).notNull(),
    kinds: text('kinds').array().notNull().default([]),
    enabled: boolean('enabled').notNull().default(true),
    username: text('username'),
    givenName: text('given_name'),
    familyName: text('family_name'),
    middleName: text('middle_name'),
    preferredGivenName: text('preferred_given_name'),
    preferredFamilyName: text('preferred_family_name'),
    pronouns: text('pronouns'),
    /** Student or staff number. */
    identifier: text('identifier'),
    masterIdentifier: text('master_identifier'),
    email: text('email'),
    sms: text('sms'),
    phone: text('phone'),
    grades: text('grades').array().notNull().default([]),
    /** `type:identifier`. */
    userIds: text('user_ids').array().notNull().default([]),
    /** Guardians of a student, students of a guardian. */
    agentSourceIds: text('agent_source_ids').array().notNull().default([]),
    primarySiteSourceId: text('primary_site_source_id'),
    siteSourceIds: text('site_source_ids').array().notNull().default([]),
    /** Each `role|roleType|siteSourceId|beginsOn|endsOn`, as the source told it; what is empty was not told. */
    roles: text('roles').array().notNull().default([]),
    streamSourceId: text('stream_source_id'),
    /** Addresses as consumers look for them, whatever their case: `lower()` in a condition would be held back from the index by row-level security. */
    emailFolded: text('email_folded').generatedAlwaysAs(sql`lower(email)`),
    usernameFolded: text('username_folded').generatedAlwaysAs(sql`lower(username)`),
    /** Family name first and without particles, then the other names and the number, folded: what a list is in the order of. */
    searchName: codePointText('search_name').generatedAlwaysAs(
      sql`public.searchable_name(family_name, given_name, middle_name, preferred_family_name, preferred_given_name, identifier)`,
    ),
  },
  (t) => [
    unique('roster_person_source').on(t.systemId, t.sourceId),
    index('roster_person_search').on(t.schoolId, t.kind, t.searchName, t.id),
    index('roster_person_email').on(t.systemId, t.emailFolded).where(sql`email_folded is not null`),
    index('roster_person_username').on(t.systemId, t.usernameFolded).where(sql`username_folded is not null`),
    index('roster_person_changed').on(t.systemId, t.changedAt, t.id),
    oneOf('roster_person_kind', t.kind, personKinds),
  ],
);

/** Further ids under which a system tells of one person: a row per site over there is one person here. */
export const rosterPersonAlias = pgTable(
  'roster_person_alias',
  {
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    sourceId: text('source_id').notNull(),
    personId: uuid('person_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.systemId, t.sourceId] }), index('roster_person_alias_person').on(t.personId)],
);

export const rosterEnrolment = pgTable(
  'roster_enrolment',
  {
    ...rosterColumns(),
    groupId: uuid('group_id').notNull(),
    personId: uuid('person_id').notNull(),
    role: text('role').notNull(),
    isPrimary: boolean('is_primary'),
    beginsOn: date('begins_on', { mode: 'string' }),
    endsOn: date('ends_on', { mode: 'string' }),
  },
  // No index over the source's ids: they come in no order, and millions of them would take longer than all else. One row per id is the engine's to keep
  // (`StageRun`); `roster_enrolment_group` also finds what a school has.
  (t) => [index('roster_enrolment_group').on(t.schoolId, t.groupId), index('roster_enrolment_person').on(t.personId)],
);

export const rosterDemographics = pgTable(
  'roster_demographics',
  {
    ...rosterColumns(),
    personId: uuid('person_id').notNull(),
    birthDate: date('birth_date', { mode: 'string' }),
    sex: text('sex'),
    races: text('races').array().notNull().default([]),
    countryOfBirth: text('country_of_birth'),
    stateOfBirth: text('state_of_birth'),
    cityOfBirth: text('city_of_birth'),
    publicSchoolResidence: text('public_school_residence'),
  },
  (t) => [
    unique('roster_demographics_source').on(t.systemId, t.sourceId),
    index('roster_demographics_person').on(t.personId),
  ],
);

/** How a collection of a system was last fetched, and where its next delta begins. */
export const rosterFetch = pgTable(
  'roster_fetch',
  {
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    collection: text('collection').notNull(),
    /** Of the last complete fetch. */
    seenAt: moment('seen_at'),
    /** Modified before this moment is known; never later than our own clock when the fetch began. Null: the next run is a full one. */
    modifiedUntil: moment('modified_until'),
  },
  (t) => [primaryKey({ columns: [t.systemId, t.collection] })],
);

/**
 * The change log, in order of `seq`. A first sync is one `baseline` entry per collection. `before` and `after` hold the changed fields of
 * the row for thirty days: what the run's page shows, and what an undo goes back to.
 */
export const rosterChange = pgTable(
  'roster_change',
  {
    seq: bigint('seq', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    syncRunId: uuid('sync_run_id').notNull(),
    collection: text('collection').notNull(),
    kind: text('kind', { enum: rosterChangeKinds }).notNull(),
    /** Null in a `baseline`. */
    recordId: uuid('record_id'),
    fields: text('fields').array().notNull().default([]),
    before: jsonb('before').$type<Record<string, unknown>>(),
    after: jsonb('after').$type<Record<string, unknown>>(),
    /** Records of a `baseline`. */
    records: integer('records'),
    at: moment('at').notNull(),
  },
  (t) => [
    index('roster_change_run').on(t.syncRunId, t.collection, t.seq),
    index('roster_change_record').on(t.recordId),
    index('roster_change_school').on(t.schoolId, t.seq),
    oneOf('roster_change_kind', t.kind, rosterChangeKinds),
  ],
);

/** What a run that is held, or that a person wants to see before it is applied, would do: removed once it is decided. */
export const heldChange = pgTable(
  'held_change',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    syncRunId: uuid('sync_run_id')
      .notNull()
      .references(() => syncRun.id, { onDelete: 'cascade' }),
    collection: text('collection').notNull(),
    kind: text('kind', { enum: ['added', 'changed', 'returned', 'gone', 'reused'] }).notNull(),
    sourceId: text('source_id').notNull(),
    recordId: uuid('record_id'),
    name: text('name'),
    before: jsonb('before').$type<Record<string, unknown>>(),
    after: jsonb('after').$type<Record<string, unknown>>(),
  },
  (t) => [index('held_change_run').on(t.schoolId, t.syncRunId, t.collection, t.id)],
);

/** A person whom the school withholds: exists for no consumer, whatever was granted. The name is for the school's own list. */
export const withheldPerson = pgTable(
  'withheld_person',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    sourceId: text('source_id').notNull(),
    /** Student or staff number: who comes under it with another id of the source is withheld too. */
    number: text('number'),
    /** Whose numbers are meant, where students and staff are numbered apart; null: anybody's. */
    kind: text('kind', { enum: personKinds }),
    /** One act of withholding: the rows of a person whom the source knows under several ids share it. */
    act: uuid('act').notNull().defaultRandom(),
    name: text('name').notNull(),
    reason: text('reason'),
    withheldBy: uuid('withheld_by').notNull(),
    withheldAt: moment('withheld_at').notNull(),
    releasedBy: uuid('released_by'),
    releasedAt: moment('released_at'),
  },
  (t) => [
    uniqueIndex('withheld_person_once').on(t.systemId, t.sourceId).where(sql`released_at is null`),
    index('withheld_person_school').on(t.schoolId),
  ],
);

/** What the school made of a derived stream: another name, another stream that it belongs to, or one of the school's own list. */
export const streamChoice = pgTable(
  'stream_choice',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    /** `roster_stream.source_id`; one of the school's own list begins with `own:`. */
    sourceId: text('source_id').notNull(),
    name: text('name'),
    programme: text('programme'),
    level: text('level'),
    year: text('year'),
    /** Groups told to be of this stream are of that one. */
    mergedInto: text('merged_into'),
    chosenBy: uuid('chosen_by').notNull(),
    chosenAt: moment('chosen_at').notNull(),
  },
  (t) => [uniqueIndex('stream_choice_once').on(t.systemId, t.sourceId)],
);

/** A group that the school files under a stream by hand. */
export const streamAssignment = pgTable(
  'stream_assignment',
  {
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    groupSourceId: text('group_source_id').notNull(),
    streamSourceId: text('stream_source_id').notNull(),
    assignedBy: uuid('assigned_by').notNull(),
    assignedAt: moment('assigned_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.systemId, t.groupSourceId] })],
);

/** How a system is synced, where the school chose other than the defaults. */
export const syncSettings = pgTable('sync_settings', {
  systemId: uuid('system_id').primaryKey(),
  schoolId: uuid('school_id').notNull(),
  /** Minutes between runs; 15 at least. */
  intervalMinutes: integer('interval_minutes').notNull().default(120),
  /** Hours between full runs where the runs between them are deltas; 0: every run is a full one. */
  fullEveryHours: integer('full_every_hours').notNull().default(24),
  /** `GuardRule[]` of server/roster/guard.ts: the school's own thresholds. */
  guardRules: jsonb('guard_rules').$type<unknown[]>().notNull().default([]),
  /** Days on which nothing is synced by schedule: `{ from, until, label }[]`, dates, both inclusive. */
  blackouts: jsonb('blackouts').$type<{ from: string; until: string; label: string }[]>().notNull().default([]),
  /** An undo was made: what comes next is looked at before it is applied. */
  holdNext: boolean('hold_next').notNull().default(false),
  updatedBy: uuid('updated_by'),
  updatedAt: moment('updated_at').notNull(),
});

/** How far a run is, written beside its long transaction, which alone may touch `sync_run` meanwhile. */
export const syncProgress = pgTable('sync_progress', {
  syncRunId: uuid('sync_run_id')
    .primaryKey()
    .references(() => syncRun.id, { onDelete: 'cascade' }),
  schoolId: uuid('school_id').notNull(),
  phase: text('phase', { enum: syncPhases }).notNull(),
  collection: text('collection'),
  done: bigint('done', { mode: 'number' }).notNull().default(0),
  total: bigint('total', { mode: 'number' }),
  /** When this phase of this collection began: rate and time left follow from it. */
  since: moment('since').notNull(),
  at: moment('at').notNull(),
});

/** A package that waits to be read, in chunks; sealed, since people stand in it, and gone after the run or a day. */
export const rosterUpload = pgTable(
  'roster_upload',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    via: text('via', { enum: uploadWays }).notNull(),
    fileName: text('file_name').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    sha256: text('sha256'),
    /** A mark over its members, however the zip was put together. */
    contents: text('contents'),
    state: text('state', { enum: ['receiving', 'waiting', 'read', 'refused', 'dropped'] }).notNull(),
    syncRunId: uuid('sync_run_id'),
    uploadedBy: uuid('uploaded_by'),
    createdAt: createdAt(),
    finishedAt: moment('finished_at'),
  },
  (t) => [
    index('roster_upload_system').on(t.schoolId, t.systemId, t.createdAt),
    oneOf('roster_upload_via', t.via, uploadWays),
  ],
);
export const rosterUploadChunk = pgTable(
  'roster_upload_chunk',
  {
    schoolId: uuid('school_id').notNull(),
    uploadId: uuid('upload_id')
      .notNull()
      .references(() => rosterUpload.id, { onDelete: 'cascade' }),
    number: integer('number').notNull(),
    sealed: bytea('sealed').notNull(),
  },
  (t) => [primaryKey({ columns: [t.uploadId, t.number] })],
);

/** A file seen in a folder that is looked into: each by name, size and time is handed in once. Names as the server has them. */
export const watchedFile = pgTable(
  'watched_file',
  {
    schoolId: uuid('school_id').notNull(),
    systemId: uuid('system_id').notNull(),
    name: text('name').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    modifiedAt: moment('modified_at').notNull(),
    /** Seen once: perhaps still being written. Seen twice alike: handed in, refused, or passed over for a newer one. */
    state: text('state', { enum: watchedFileStates }).notNull(),
    uploadId: uuid('upload_id'),
    /** Why it was refused: a code and harmless details. */
    problem: jsonb('problem').$type<{ code: string; details: Record<string, unknown> }>(),
    seenAt: moment('seen_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.schoolId, t.systemId, t.name] }),
    oneOf('watched_file_state', t.state, watchedFileStates),
  ],
);

/** A new SIS instead of an old one: people re-linked and reviewed, then the switch, which can be taken back for thirty days. */
export const systemReplacement = pgTable(
  'system_replacement',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    oldSystemId: uuid('old_system_id').notNull(),
    newSystemId: uuid('new_system_id').notNull(),
    state: text('state', { enum: replacementStates }).notNull(),
    startedBy: uuid('started_by').notNull(),
    startedAt: moment('started_at').notNull(),
    /** When links were last looked for. */
    proposedAt: moment('proposed_at'),
    approvedBy: uuid('approved_by'),
    switchedAt: moment('switched_at'),
    undoneBy: uuid('undone_by'),
    undoneAt: moment('undone_at'),
    /** When the switch, or the way back, was last wanted. */
    wantedAt: moment('wanted_at'),
    /** Why what was last wanted did not take place; nothing was changed then. */
    failedCode: text('failed_code'),
    failedAt: moment('failed_at'),
  },
  (t) => [
    uniqueIndex('system_replacement_one')
      .on(t.schoolId, t.oldSystemId)
      .where(sql`state in ('reviewing', 'switching', 'switched', 'undoing')`),
    oneOf('system_replacement_state', t.state, replacementStates),
  ],
);

/** Who of the old system is who in the new one. */
export const replacementLink = pgTable(
  'replacement_link',
  {
    schoolId: uuid('school_id').notNull(),
    replacementId: uuid('replacement_id')
      .notNull()
      .references(() => systemReplacement.id, { onDelete: 'cascade' }),
    collection: text('collection').notNull(),
    oldId: uuid('old_id').notNull(),
    newId: uuid('new_id').notNull(),
    /** How it was found: the same student number, or a proposal that somebody must confirm. */
    found: text('found', { enum: ['number', 'source-id', 'proposed', 'by-hand'] }).notNull(),
    confirmed: boolean('confirmed').notNull(),
    /** Somebody said that these are two: not proposed again. */
    rejected: boolean('rejected').notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.replacementId, t.oldId, t.newId] }),
    uniqueIndex('replacement_link_old').on(t.replacementId, t.oldId).where(sql`not rejected`),
    uniqueIndex('replacement_link_new').on(t.replacementId, t.newId).where(sql`not rejected`),
  ],
);

/** Courses of an LMS and their ids: all that Marketplace → LMS carries. */
export const lmsCourse = pgTable(
  'lms_course',
  {
    ...rosterColumns(),
    name: text('name').notNull(),
    code: text('code'),
    /** The LMS's own SIS-id field (Canvas `sis_course_id`, Moodle `idnumber`). */
    sisId: text('sis_id'),
    state: text('state'),
    termName: text('term_name'),
    accountName: text('account_name'),
  },
  (t) => [unique('lms_course_source').on(t.schoolId, t.systemId, t.sourceId)],
);

/** One run of fetch → stage → plan → guard → apply → announce for one system. */
export const syncRun = pgTable(
  'sync_run',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    systemId: uuid('system_id')
      .notNull()
      .references(() => system.id),
    trigger: text('trigger', { enum: syncTriggers }).notNull(),
    /** `full`: absence means something. `delta`: only what was modified. `undo`: back to the roster before another run. */
    kind: text('kind', { enum: syncKinds }).notNull().default('full'),
    /** The package that it reads, instead of asking the system. */
    uploadId: uuid('upload_id'),
    /** How a held run was applied. */
    appliedAs: text('applied_as', { enum: ['all', 'additions'] }),
    /** Of an `undo`: the run that it took back. */
    undoOf: uuid('undo_of'),
    undoneAt: moment('undone_at'),
    /** A mark over what it read, under which grants and choices, and what rested after it (server/roster/same-package.ts); null: in doubt. */
    inputs: text('inputs'),
    /** The run that compared the package which this one brought again; null: compared itself. */
    sameAs: uuid('same_as'),
    /** Records that a full run found otherwise than the deltas before it had left them; null where it proved none. */
    drift: integer('drift'),
    state: text('state', { enum: syncStates }).notNull(),
    phase: text('phase', { enum: syncPhases }),
    /** Per collection: fetched, total (if known), added, changed, unchanged, missing, gone, setAside. */
    progress: jsonb('progress').$type<Record<string, Record<string, number | null>>>().notNull().default({}),
    /** Deviations of the provider that were tolerated, each once with its count. */
    deviations: jsonb('deviations').$type<Record<string, number>>().notNull().default({}),
    /** Union of the scopes of the live grants when the run began. */
    scopes: text('scopes').array().notNull().default([]),
    errorCode: text('error_code'),
    errorDetails: jsonb('error_details').$type<Record<string, unknown>>(),
    requestedBy: uuid('requested_by'),
    /** Fencing number of the lease: apply checks it in its own transaction. */
    fence: bigint('fence', { mode: 'number' }).notNull().default(0),
    /** Until when whoever holds the fence is believed to be at work; after it the run counts as abandoned. */
    leaseUntil: moment('lease_until'),
    /** Why the guard held it, and the diff that is to be decided on: `HeldPlan` of server/roster/guard.ts. */
    held: jsonb('held').$type<unknown>(),
    /** The diff (its fingerprint) that an administrator said yes to; another one is held again. */
    approvedFingerprint: text('approved_fingerprint'),
    decidedBy: uuid('decided_by'),
    decidedAt: moment('decided_at'),
    createdAt: createdAt(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  (t) => [
    index('sync_run_system').on(t.schoolId, t.systemId, t.createdAt),
    uniqueIndex('sync_run_one_queued')
      .on(t.schoolId, t.systemId)
      .where(sql`state = 'queued' and upload_id is null and undo_of is null`),
    oneOf('sync_run_state', t.state, syncStates),
    oneOf('sync_run_phase', t.phase, syncPhases),
  ],
);

/** A record that could not be read: its reason, never its content. */
export const setAsideRecord = pgTable(
  'set_aside_record',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    syncRunId: uuid('sync_run_id')
      .notNull()
      .references(() => syncRun.id, { onDelete: 'cascade' }),
    collection: text('collection').notNull(),
    sourceId: text('source_id'),
    /** Of a CSV package: the file, and the line in it (its header is line 1). */
    file: text('file'),
    line: bigint('line', { mode: 'number' }),
    field: text('field'),
    reason: text('reason').notNull(),
  },
  (t) => [index('set_aside_run').on(t.schoolId, t.syncRunId)],
);
