import { bigint, index, integer, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, moment } from './columns.ts';
import { school } from './schools.ts';

/** Hash-chained audit (DESIGN.md §10 (3)): one chain per school, one for the operator (chain id all zeros, school null). */
export const auditEntry = pgTable(
  'audit_entry',
  {
    id: id(),
    chainId: uuid('chain_id').notNull(),
    schoolId: uuid('school_id').references(() => school.id),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    at: moment('at').notNull(),
    /** `user`, `job`, `link`, `system`, … as in server/kernel/context.ts. */
    actorKind: text('actor_kind').notNull(),
    actorId: text('actor_id'),
    actorName: text('actor_name'),
    action: text('action').notNull(),
    subjectKind: text('subject_kind').notNull(),
    subjectId: text('subject_id'),
    details: jsonb('details').$type<Record<string, unknown>>().notNull(),
    previousHash: bytea('previous_hash').notNull(),
    hash: bytea('hash').notNull(),
  },
  (t) => [unique('audit_entry_seq').on(t.chainId, t.seq), index('audit_entry_subject').on(t.schoolId, t.subjectId)],
);

export const auditHead = pgTable('audit_head', {
  chainId: uuid('chain_id').primaryKey(),
  schoolId: uuid('school_id').references(() => school.id),
  seq: bigint('seq', { mode: 'number' }).notNull(),
  hash: bytea('hash').notNull(),
});

/** Data keys, wrapped by the master key of that version. One active; older ones stay to open what they sealed. */
export const dataKey = pgTable('data_key', {
  version: integer('version').primaryKey(),
  wrapped: bytea('wrapped').notNull(),
  masterKeyId: text('master_key_id').notNull(),
  createdAt: createdAt(),
  retiredAt: moment('retired_at'),
});

/** Events written in a verb's own transaction; the relay sends them to Inngest or the embedded executor. */
export const outbox = pgTable(
  'outbox',
  {
    id: id(),
    schoolId: uuid('school_id'),
    name: text('name').notNull(),
    /** Ids, never records. */
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
    sentAt: moment('sent_at'),
    attempts: integer('attempts').notNull().default(0),
  },
  (t) => [index('outbox_unsent').on(t.sentAt, t.id)],
);

/** Mail to send or sent; in demo mode also what `/dev/mail` shows. The body is sealed once sent in production. */
export const mail = pgTable(
  'mail',
  {
    id: id(),
    schoolId: uuid('school_id'),
    toAddress: text('to_address').notNull(),
    toName: text('to_name'),
    template: text('template').notNull(),
    locale: text('locale').notNull().default('en'),
    /** Sealed: single-use links stand in it. Removed after sending in production. */
    sealedParameters: jsonb('sealed_parameters').$type<unknown>(),
    subject: text('subject'),
    html: text('html'),
    text: text('text'),
    createdAt: createdAt(),
    sentAt: moment('sent_at'),
    failedAt: moment('failed_at'),
    errorCode: text('error_code'),
  },
  (t) => [index('mail_unsent').on(t.sentAt)],
);

/** Facts about this installation that outlive a process: mode, schema of seeds, worker heartbeat. */
export const installation = pgTable(
  'installation',
  {
    key: text('key').notNull(),
    value: jsonb('value').$type<unknown>().notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.key] })],
);
