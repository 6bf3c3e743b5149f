import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, pgTable, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { school } from './schools.ts';
import { system } from './systems.ts';
import { syncPhases, syncStates, syncTriggers } from './vocabulary.ts';

/** Columns of every roster collection: a Crosswalk id of its own, the source's id as a link per system, a content hash. */
const rosterColumns = () => ({
  id: id(),
  schoolId: uuid('school_id')
    .notNull()
    .references(() => school.id),
  systemId: uuid('system_id').notNull(),
  sourceId: text('source_id').notNull(),
  contentHash: text('content_hash').notNull(),
  /** When the source last changed it, as it says. */
  sourceModifiedAt: moment('source_modified_at'),
  /** Absent from this many complete fetches in a row; gone at two (DESIGN.md §5, "missing is not gone"). */
  missedFetches: integer('missed_fetches').notNull().default(0),
  firstSeenAt: moment('first_seen_at').notNull(),
  lastSeenAt: moment('last_seen_at').notNull(),
  goneAt: moment('gone_at'),
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
    derivedFrom: text('derived_from', { enum: ['metadata', 'class-grades', 'course-grades', 'school-list'] }).notNull(),
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
    uniqueIndex('sync_run_one_queued').on(t.schoolId, t.systemId).where(sql`state = 'queued'`),
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
    field: text('field'),
    reason: text('reason').notNull(),
  },
  (t) => [index('set_aside_run').on(t.schoolId, t.syncRunId)],
);
