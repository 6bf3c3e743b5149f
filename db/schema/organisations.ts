import { boolean, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { organisationKinds } from './vocabulary.ts';

/** An operator, agent, vendor or school as a body that people belong to. A school's organisation has the school's id. */
export const organisation = pgTable(
  'organisation',
  {
    id: id(),
    kind: text('kind', { enum: organisationKinds }).notNull(),
    name: text('name').notNull(),
    country: text('country'),
    /** Members must have a second factor before their session is full. */
    requiresTotp: boolean('requires_totp').notNull().default(false),
    /** Mail domains of an agent: refused as addresses of a school's administrator. */
    emailDomains: text('email_domains').array().notNull().default([]),
    /** An agent whose administrators may countersign in the operator's name. */
    mayCountersign: boolean('may_countersign').notNull().default(false),
    reviewedAt: moment('reviewed_at'),
    suspendedAt: moment('suspended_at'),
    createdAt: createdAt(),
  },
  (t) => [oneOf('organisation_kind', t.kind, organisationKinds)],
);
