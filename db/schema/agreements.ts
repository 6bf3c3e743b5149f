import { sql } from 'drizzle-orm';
import { date, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, moment, oneOf } from './columns.ts';
import { organisation } from './organisations.ts';
import { appUser } from './people.ts';
import { school } from './schools.ts';
import { agreementStates } from './vocabulary.ts';

/** A text with `{{placeholders}}`; an agent's own, or the operator's (agent null). Versions are rows, never edited in place. */
export const agreementTemplate = pgTable(
  'agreement_template',
  {
    id: id(),
    agentId: uuid('agent_id').references(() => organisation.id),
    name: text('name').notNull(),
    locale: text('locale').notNull().default('en'),
    version: integer('version').notNull().default(1),
    body: text('body').notNull(),
    dataProcessingTerms: text('data_processing_terms').notNull(),
    /** The one that a school takes when it arrives by itself. */
    standardSince: moment('standard_since'),
    retiredAt: moment('retired_at'),
    createdAt: createdAt(),
  },
  (t) => [index('agreement_template_agent').on(t.agentId)],
);

export const agreement = pgTable(
  'agreement',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    /** Null for the operator's standard agreement. Changes when the agreement moves to another agent. */
    agentId: uuid('agent_id').references(() => organisation.id),
    templateId: uuid('template_id')
      .notNull()
      .references(() => agreementTemplate.id),
    state: text('state', { enum: agreementStates }).notNull(),
    termStart: date('term_start', { mode: 'string' }).notNull(),
    termEnd: date('term_end', { mode: 'string' }).notNull(),
    /** Product names, or the one word `all`. */
    products: text('products').array().notNull(),
    priceNote: text('price_note').notNull().default(''),
    /** The rendered text, fixed when sent; what is signed is its SHA-256. */
    body: text('body').notNull(),
    dataProcessingTerms: text('data_processing_terms').notNull(),
    textHash: text('text_hash'),
    /** The agent's attached document; its SHA-256 stands in the text. */
    attachmentDocumentId: uuid('attachment_document_id'),
    draftedBy: uuid('drafted_by')
      .notNull()
      .references(() => appUser.id),
    sentAt: moment('sent_at'),
    signatoryEmail: text('signatory_email'),
    signatoryName: text('signatory_name'),
    signedBy: uuid('signed_by').references(() => appUser.id),
    signedName: text('signed_name'),
    signedAt: moment('signed_at'),
    /** SHA-256 of the text that the signatory was shown; equal to `textHash`, kept as his own statement. */
    signedHash: text('signed_hash'),
    /** Signed on paper: the scan, and who at the school confirmed it. */
    scanDocumentId: uuid('scan_document_id'),
    paperSignedOn: date('paper_signed_on', { mode: 'string' }),
    paperEnteredBy: uuid('paper_entered_by').references(() => appUser.id),
    paperConfirmedBy: uuid('paper_confirmed_by').references(() => appUser.id),
    paperConfirmedAt: moment('paper_confirmed_at'),
    countersignedBy: uuid('countersigned_by').references(() => appUser.id),
    countersignedName: text('countersigned_name'),
    countersignedAt: moment('countersigned_at'),
    inForceAt: moment('in_force_at'),
    /** Declined by the school, or by whoever countersigns. */
    declinedBy: text('declined_by', { enum: ['school', 'agent', 'operator'] }),
    declinedReason: text('declined_reason'),
    noticeBy: text('notice_by', { enum: ['school', 'agent', 'operator'] }),
    noticeReason: text('notice_reason'),
    noticeAt: moment('notice_at'),
    /** The day after which it no longer holds: the term's end, or earlier by notice. */
    endsOn: date('ends_on', { mode: 'string' }),
    /** Days after the end until edges under it expire (DESIGN.md §2: 30). */
    graceDays: integer('grace_days').notNull().default(30),
    endedAt: moment('ended_at'),
    graceEndedAt: moment('grace_ended_at'),
    createdAt: createdAt(),
  },
  (t) => [
    index('agreement_school').on(t.schoolId),
    index('agreement_agent').on(t.agentId),
    uniqueIndex('agreement_one_in_force')
      .on(t.schoolId, sql`coalesce(agent_id, '00000000-0000-0000-0000-000000000000')`)
      .where(sql`state in ('in-force', 'notice-given')`),
    oneOf('agreement_state', t.state, agreementStates),
  ],
);

/** An agreement's way to another agent: proposed by the operator, done only with the school's recorded consent. */
export const agreementMove = pgTable(
  'agreement_move',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    agreementId: uuid('agreement_id')
      .notNull()
      .references(() => agreement.id),
    fromAgentId: uuid('from_agent_id').references(() => organisation.id),
    toAgentId: uuid('to_agent_id')
      .notNull()
      .references(() => organisation.id),
    reason: text('reason').notNull(),
    proposedBy: uuid('proposed_by')
      .notNull()
      .references(() => appUser.id),
    proposedAt: moment('proposed_at').notNull(),
    answer: text('answer', { enum: ['consented', 'refused', 'withdrawn'] }),
    answeredBy: uuid('answered_by').references(() => appUser.id),
    answeredName: text('answered_name'),
    answeredAt: moment('answered_at'),
  },
  (t) => [
    index('agreement_move_school').on(t.schoolId),
    uniqueIndex('agreement_move_one_open').on(t.agreementId).where(sql`answer is null`),
  ],
);

/** A file that belongs to a school: a scanned agreement. Kept in the database so that a backup is whole. */
export const document = pgTable(
  'document',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    kind: text('kind', { enum: ['agreement-scan', 'agreement-attachment'] }).notNull(),
    fileName: text('file_name').notNull(),
    contentType: text('content_type').notNull(),
    sha256: text('sha256').notNull(),
    bytes: bytea('bytes').notNull(),
    uploadedBy: uuid('uploaded_by')
      .notNull()
      .references(() => appUser.id),
    createdAt: createdAt(),
  },
  (t) => [index('document_school').on(t.schoolId)],
);

/** What was destroyed or ended, how much, when and why: dated, numbered, kept. */
export const receipt = pgTable(
  'receipt',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    kind: text('kind', { enum: ['credential-destroyed', 'data-deleted', 'agreement-ended'] }).notNull(),
    subjectId: uuid('subject_id').notNull(),
    /** Counts and names of collections and systems; never a person. */
    facts: jsonb('facts').$type<Record<string, string | number>>().notNull(),
    reason: text('reason').notNull(),
    at: moment('at').notNull(),
  },
  (t) => [index('receipt_school').on(t.schoolId)],
);
