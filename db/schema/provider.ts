import { bigint, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { id, moment } from './columns.ts';

/** A call of a consumer that Crosswalk answered as a OneRoster provider: what was asked, and how much was told. Never what or about whom. */
export const providerRequest = pgTable(
  'provider_request',
  {
    id: id(),
    schoolId: uuid('school_id').notNull(),
    connectionId: uuid('connection_id').notNull(),
    grantId: uuid('grant_id').notNull(),
    consumerClientId: uuid('consumer_client_id').notNull(),
    at: moment('at').notNull(),
    method: text('method').notNull(),
    /** As the standard writes it down, ids left out: `/ims/oneroster/rostering/v1p2/classes/{id}/students`. */
    path: text('path').notNull(),
    /** Names of the parameters, and of the fields that a filter names; no values. */
    parameters: text('parameters').array().notNull().default([]),
    status: integer('status').notNull(),
    /** Records that were told. */
    records: integer('records').notNull(),
    /** Of the body as it was sent. */
    bytes: integer('bytes').notNull(),
    ms: integer('ms').notNull(),
  },
  (t) => [index('provider_request_connection').on(t.schoolId, t.connectionId, t.id)],
);

/** Calls of a client within one window of the rate limit. */
export const providerAllowance = pgTable('provider_allowance', {
  consumerClientId: uuid('consumer_client_id').primaryKey(),
  schoolId: uuid('school_id').notNull(),
  windowStart: moment('window_start').notNull(),
  calls: integer('calls').notNull(),
});

/** One row per transaction that wrote into a school's roster: the newest and their number are the roster's version. */
export const rosterTouch = pgTable(
  'roster_touch',
  {
    seq: bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity(),
    schoolId: uuid('school_id').notNull(),
    /** `pg_current_xact_id()`. */
    transaction: bigint('transaction', { mode: 'number' }).notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.schoolId, t.transaction] })],
);

/** What a consumer could see and was then deleted here at once (somebody whom the school withholds): its id, told as deleted for thirty days. */
export const providerTombstone = pgTable(
  'provider_tombstone',
  {
    schoolId: uuid('school_id').notNull(),
    connectionId: uuid('connection_id').notNull(),
    collection: text('collection').notNull(),
    recordId: uuid('record_id').notNull(),
    at: moment('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.connectionId, t.collection, t.recordId] })],
);
