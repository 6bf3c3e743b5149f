import { sql } from 'drizzle-orm';
import {
  boolean,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { connection } from './connections.ts';
import { school } from './schools.ts';
import {
  pushEndings,
  pushLeavers,
  pushOrigins,
  pushPhases,
  pushRowActions,
  pushRowStates,
  pushShapes,
  pushTriggers,
  syncStates,
} from './vocabulary.ts';

/** How a roster is pushed into an LMS, as the school chose. Until it has chosen how people sign in, nothing is planned. */
export const pushSettings = pgTable(
  'push_settings',
  {
    connectionId: uuid('connection_id')
      .primaryKey()
      .references(() => connection.id),
    schoolId: uuid('school_id').notNull(),
    /** A course for each group, or for each subject and site with the groups in it. */
    courses: text('courses', { enum: pushShapes }).notNull(),
    /** One of the connector's ways to sign in. */
    signIn: text('sign_in').notNull(),
    /** For who has no username: a pattern such as `{given}.{family}`; null: set aside. */
    usernamePattern: text('username_pattern'),
    /** For who has no e-mail: made of the username at this host, which ends in `.invalid`; null: set aside. */
    emailHost: text('email_host'),
    leavers: text('leavers', { enum: pushLeavers }).notNull(),
    /** Shares of what is known over there above which a push waits for somebody. */
    guardLeaving: real('guard_leaving').notNull().default(0.1),
    guardChanged: real('guard_changed').notNull().default(0.75),
    /** The next push is looked at before it writes: it is the first one, or these settings are new. */
    holdNext: boolean('hold_next').notNull().default(true),
    updatedBy: uuid('updated_by'),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    oneOf('push_settings_courses', t.courses, pushShapes),
    oneOf('push_settings_leavers', t.leavers, pushLeavers),
  ],
);

/** One push of a connection's grant into its LMS; one at a time per LMS. */
export const pushRun = pgTable(
  'push_run',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    /** The LMS. */
    systemId: uuid('system_id').notNull(),
    /** The SIS whose roster it is. */
    producerSystemId: uuid('producer_system_id').notNull(),
    trigger: text('trigger', { enum: pushTriggers }).notNull(),
    state: text('state', { enum: syncStates }).notNull(),
    phase: text('phase', { enum: pushPhases }),
    /** Of the trigger `ending`: what becomes of what is ours. */
    ending: text('ending', { enum: pushEndings }),
    requestedBy: uuid('requested_by'),
    leaseUntil: moment('lease_until'),
    fence: integer('fence').notNull().default(0),
    /** Per entity: what was planned and what became of it, counts alone. */
    counts: jsonb('counts').$type<Record<string, Record<string, number>>>().notNull().default({}),
    /** How far the phase is: `{ entity, done, total, since }`. */
    progress: jsonb('progress').$type<Record<string, string | number | null>>().notNull().default({}),
    /** Why it waits for a person, where it does. */
    held: jsonb('held').$type<unknown>(),
    approvedBy: uuid('approved_by'),
    approvedAt: moment('approved_at'),
    /** A package that was handed over: what it is found by, and the ticket for following it. */
    packageSince: moment('package_since'),
    packageTicket: text('package_ticket'),
    errorCode: text('error_code'),
    errorDetails: jsonb('error_details').$type<Record<string, unknown>>(),
    createdAt: createdAt(),
    startedAt: moment('started_at'),
    finishedAt: moment('finished_at'),
  },
  (t) => [
    index('push_run_connection').on(t.schoolId, t.connectionId, t.id),
    index('push_run_system').on(t.schoolId, t.systemId, t.state),
    uniqueIndex('push_run_one_queued').on(t.connectionId).where(sql`state = 'queued'`),
    oneOf('push_run_state', t.state, syncStates),
    oneOf('push_run_phase', t.phase, pushPhases),
    oneOf('push_run_trigger', t.trigger, pushTriggers),
    oneOf('push_run_ending', t.ending, pushEndings),
  ],
);

/** What a run is to do, and what became of it. Keys and ids: a name is looked up in the roster while it rests there. */
export const pushRow = pgTable(
  'push_row',
  {
    schoolId: uuid('school_id').notNull(),
    pushRunId: uuid('push_run_id')
      .notNull()
      .references(() => pushRun.id, { onDelete: 'cascade' }),
    entity: text('entity').notNull(),
    key: text('key').notNull(),
    /** Whom or what of the roster it is about. */
    recordId: uuid('record_id'),
    action: text('action', { enum: pushRowActions }).notNull(),
    /** Why: a key of messages/<locale>/push.json `reason`. */
    reason: text('reason'),
    state: text('state', { enum: pushRowStates }).notNull(),
    foreignId: text('foreign_id'),
    /** Somebody over there gave it a name of his own: it is not written. */
    keepsName: boolean('keeps_name').notNull().default(false),
    /** What the LMS said: a key of messages/<locale>/push.json `problem`, with harmless facts. */
    problem: text('problem'),
    problemDetails: jsonb('problem_details').$type<Record<string, unknown>>(),
  },
  (t) => [
    primaryKey({ columns: [t.pushRunId, t.entity, t.key] }),
    index('push_row_action').on(t.pushRunId, t.action, t.state, t.entity, t.key),
    oneOf('push_row_action_word', t.action, pushRowActions),
    oneOf('push_row_state', t.state, pushRowStates),
  ],
);

/**
 * What Crosswalk made or adopted in an LMS: ids and keys alone. Nothing that does not stand here is ever changed or removed. A row is written
 * before the LMS is asked (`sent_at`), so that what was made in a push that was cut off is known for ours.
 */
export const pushLedger = pgTable(
  'push_ledger',
  {
    schoolId: uuid('school_id').notNull(),
    /** The LMS. */
    systemId: uuid('system_id').notNull(),
    connectionId: uuid('connection_id').notNull(),
    entity: text('entity').notNull(),
    /** Our key: the SIS id over there. */
    key: text('key').notNull(),
    recordId: uuid('record_id'),
    foreignId: text('foreign_id'),
    /** `found`: it stood there as it should, made by nobody of ours; it is left when it is wanted no more. */
    origin: text('origin', { enum: pushOrigins }).notNull(),
    /** Whether people are kept out of it: an account, an enrolment. */
    suspended: boolean('suspended').notNull().default(false),
    /** Of the content that was last written. */
    contentHash: uuid('content_hash'),
    /** Of the name as it stood over there after that: another one is somebody's own. */
    nameHash: uuid('name_hash'),
    /** Of an enrolment or membership: who and in what; of a section: its course. Keys. */
    userKey: text('user_key'),
    courseKey: text('course_key'),
    parentKey: text('parent_key'),
    role: text('role'),
    /** When the year of a course or a cohort is over: then it is left. */
    endsOn: date('ends_on', { mode: 'string' }),
    /** Sent, and not yet known to be there. */
    sentAt: moment('sent_at'),
    writtenAt: moment('written_at'),
    /** When it was found to be gone over there, though nobody of ours removed it. */
    goneAt: moment('gone_at'),
  },
  (t) => [
    primaryKey({ columns: [t.systemId, t.entity, t.key] }),
    index('push_ledger_connection').on(t.schoolId, t.connectionId, t.entity),
    index('push_ledger_record').on(t.schoolId, t.recordId),
    oneOf('push_ledger_origin', t.origin, pushOrigins),
  ],
);

/** A person's answer about one record; it outlives every later push. */
export const pushChoice = pgTable(
  'push_choice',
  {
    schoolId: uuid('school_id').notNull(),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    entity: text('entity').notNull(),
    key: text('key').notNull(),
    /** `adopt`: the record over there is this one. `separate`: it is another. `remake`: what was deleted over there is made again. */
    answer: text('answer', { enum: ['adopt', 'separate', 'remake'] }).notNull(),
    /** The record over there that was shown. */
    foreignId: text('foreign_id'),
    chosenBy: uuid('chosen_by').notNull(),
    chosenAt: moment('chosen_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.connectionId, t.entity, t.key] })],
);
