import { sql } from 'drizzle-orm';
import { boolean, check, date, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { agreement } from './agreements.ts';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { school } from './schools.ts';
import { system } from './systems.ts';
import { connectionStates, connectionWays, consumerKinds, requestKinds, requestStates, turns } from './vocabulary.ts';

/** One edge of the graph (DESIGN.md §2). */
export const connection = pgTable(
  'connection',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    consumerKind: text('consumer_kind', { enum: consumerKinds }).notNull(),
    consumerSystemId: uuid('consumer_system_id').references(() => system.id),
    consumerAppId: uuid('consumer_app_id'),
    producerSystemId: uuid('producer_system_id')
      .notNull()
      .references(() => system.id),
    /** How an LMS comes by what was released to it; null for every other consumer. */
    way: text('way', { enum: connectionWays }),
    state: text('state', { enum: connectionStates }).notNull(),
    turn: text('turn', { enum: turns }).notNull(),
    /** Why it stands as it does, a key of messages/<locale>/connections.json `cause`. */
    cause: text('cause'),
    causeDetails: jsonb('cause_details').$type<Record<string, string | number | boolean | null>>(),
    stateChangedAt: moment('state_changed_at').notNull().defaultNow(),
    /** What it was before it was paused or failed, to return to. */
    pausedBy: text('paused_by', { enum: ['school', 'agreement-ended', 'stop-everything', 'system-replaced'] }),
    resumesAt: moment('resumes_at'),
    /** Of the way `direct`: what of the SIS was found over there. */
    directProof: jsonb('direct_proof').$type<DirectProof>(),
    lastReceivedAt: moment('last_received_at'),
    records: integer('records'),
    createdAt: createdAt(),
    endedAt: moment('ended_at'),
  },
  (t) => [
    index('connection_school').on(t.schoolId),
    uniqueIndex('connection_one_living_edge')
      .on(t.schoolId, t.consumerKind, sql`coalesce(consumer_system_id, consumer_app_id, school_id)`, t.producerSystemId)
      .where(sql`ended_at is null`),
    oneOf('connection_state', t.state, connectionStates),
    oneOf('connection_turn', t.turn, turns),
    oneOf('connection_consumer', t.consumerKind, consumerKinds),
    oneOf('connection_way', t.way, connectionWays),
    check(
      'connection_way_of_lms',
      sql`(consumer_kind = 'lms') = (way is not null) and (consumer_kind <> 'lms' or consumer_system_id is not null)`,
    ),
  ],
);

/** How many of the SIS's groups and subjects have their id in a course of the LMS. Counts alone. */
export interface DirectProof {
  readonly at: string;
  readonly courses: number;
  readonly groups: { readonly found: number; readonly of: number };
  readonly subjects: { readonly found: number; readonly of: number };
}

export interface RequestedScope {
  scope: string;
  required: boolean;
}

/** The sharing rule of a grant: an empty list means no limit in that direction. */
export interface SharingRule {
  sites: string[];
  streams: string[];
  subjects: string[];
  groups: string[];
}

/** An API token request: the question that opens, widens or renews a connection. */
export const request = pgTable(
  'request',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    kind: text('kind', { enum: requestKinds }).notNull(),
    state: text('state', { enum: requestStates }).notNull(),
    scopes: jsonb('scopes').$type<RequestedScope[]>().notNull(),
    purpose: text('purpose').notNull(),
    until: date('until', { mode: 'string' }).notNull(),
    /** Connector and product asked for, e.g. `oneroster` / `OneRoster 1.2`. */
    product: text('product').notNull(),
    /** The origins that the approver is shown and that the approval is good for. */
    origins: text('origins').array().notNull().default([]),
    /** Those of the LMS that would be written into, likewise; empty where nothing is pushed. */
    consumerOrigins: text('consumer_origins').array().notNull().default([]),
    /** The agreement under which it is asked. */
    agreementId: uuid('agreement_id')
      .notNull()
      .references(() => agreement.id),
    draftedBy: uuid('drafted_by'),
    /** `lms`: by its administrator, on a pairing page. */
    draftedAs: text('drafted_as', { enum: ['agent', 'school', 'operator', 'lms'] }).notNull(),
    agentId: uuid('agent_id'),
    /** Who asked without an account, on a pairing page, and where he hears of the answer. */
    askerName: text('asker_name'),
    askerEmail: text('asker_email'),
    sentBy: uuid('sent_by'),
    sentAt: moment('sent_at'),
    decidedBy: uuid('decided_by'),
    decidedAt: moment('decided_at'),
    declineReason: text('decline_reason'),
    voidReason: text('void_reason'),
    /** SHA-256 over everything the decision page shows; the decision names it, so that a changed request is not approved unseen. */
    fingerprint: text('fingerprint').notNull(),
    previewSkipped: boolean('preview_skipped').notNull().default(false),
    createdAt: createdAt(),
  },
  (t) => [
    index('request_school').on(t.schoolId, t.state),
    index('request_connection').on(t.connectionId),
    uniqueIndex('request_one_open').on(t.connectionId).where(sql`state in ('draft', 'requested')`),
    oneOf('request_state', t.state, requestStates),
  ],
);

/** The approved answer. All access is derived from live grants, never stored beside them. */
export const grant = pgTable(
  'grant',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    requestId: uuid('request_id')
      .notNull()
      .references(() => request.id),
    scopes: text('scopes').array().notNull(),
    /** Single fields left out by the approver, `scope:field`. */
    withoutFields: text('without_fields').array().notNull().default([]),
    sharingRule: jsonb('sharing_rule').$type<SharingRule>().notNull(),
    purpose: text('purpose').notNull(),
    validFrom: moment('valid_from').notNull(),
    validUntil: date('valid_until', { mode: 'string' }).notNull(),
    grantedBy: uuid('granted_by').notNull(),
    endedAt: moment('ended_at'),
    endReason: text('end_reason'),
    createdAt: createdAt(),
  },
  (t) => [
    index('grant_school').on(t.schoolId),
    uniqueIndex('grant_one_live').on(t.connectionId).where(sql`ended_at is null`),
    check('grant_has_scopes', sql`cardinality(scopes) > 0`),
  ],
);

/** Each side's yes, kept with who, when, purpose and term; one person giving both is recorded twice. */
export const consent = pgTable(
  'consent',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    requestId: uuid('request_id')
      .notNull()
      .references(() => request.id),
    side: text('side', { enum: ['producer', 'consumer'] }).notNull(),
    status: text('status', { enum: ['accepted', 'declined', 'revoked'] }).notNull(),
    byUserId: uuid('by_user_id'),
    byName: text('by_name').notNull(),
    byOrganisationName: text('by_organisation_name').notNull(),
    purpose: text('purpose').notNull(),
    until: date('until', { mode: 'string' }).notNull(),
    at: moment('at').notNull(),
  },
  (t) => [index('consent_connection').on(t.schoolId, t.connectionId)],
);

/** Only counts of a preview are kept, never a record (DESIGN.md §2, "Preview"). */
export const preview = pgTable(
  'preview',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    requestId: uuid('request_id')
      .notNull()
      .references(() => request.id),
    systemId: uuid('system_id').notNull(),
    counts: jsonb('counts')
      .$type<{ collection: string; count: number | null; precision: 'exact' | 'estimated' | 'after-first-sync' }[]>()
      .notNull(),
    byUserId: uuid('by_user_id').notNull(),
    at: moment('at').notNull(),
  },
  (t) => [index('preview_request').on(t.schoolId, t.requestId)],
);

/** A reminder that went out, so that none goes twice. */
export const reminder = pgTable(
  'reminder',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    subject: text('subject', { enum: ['agreement', 'grant', 'request', 'credential'] }).notNull(),
    subjectId: uuid('subject_id').notNull(),
    /** e.g. `90-days`, `30-days`, `7-days`. */
    occasion: text('occasion').notNull(),
    at: moment('at').notNull(),
  },
  (t) => [uniqueIndex('reminder_once').on(t.schoolId, t.subjectId, t.occasion)],
);
