import { index, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { organisation } from './organisations.ts';
import { registers, trustGrounds, trustStates } from './vocabulary.ts';

/** The tenant. Its own `id` is what `app.school` holds. */
export const school = pgTable(
  'school',
  {
    id: uuid('id')
      .primaryKey()
      .references(() => organisation.id),
    name: text('name').notNull(),
    register: text('register', { enum: registers }).notNull(),
    registerNumber: text('register_number').notNull(),
    /** ISO 3166-1 alpha-2. */
    country: text('country').notNull(),
    /** IANA name. */
    timeZone: text('time_zone').notNull(),
    trust: text('trust', { enum: trustStates }).notNull().default('unverified'),
    trustGround: text('trust_ground', { enum: trustGrounds }),
    trustedAt: moment('trusted_at'),
    /** The mail domain that the register gives; a match confirms a first administrator. */
    registerDomain: text('register_domain'),
    /** Set while the school has stopped everything. */
    stoppedAt: moment('stopped_at'),
    stoppedBy: uuid('stopped_by'),
    createdAt: createdAt(),
  },
  (t) => [
    index('school_register').on(t.register, t.registerNumber),
    oneOf('school_trust', t.trust, trustStates),
    oneOf('school_register_kind', t.register, registers),
  ],
);

export const site = pgTable(
  'site',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    name: text('name').notNull(),
    registerNumber: text('register_number'),
    place: text('place'),
    createdAt: createdAt(),
  },
  (t) => [unique('site_name').on(t.schoolId, t.name)],
);

/**
 * A school as an agent knows it: the agent's own words and contacts, the agent's own row. Where the school exists
 * already under another agent, `schoolId` points at it and the agent learns nothing of that.
 */
export const prospect = pgTable(
  'prospect',
  {
    id: id(),
    agentId: uuid('agent_id')
      .notNull()
      .references(() => organisation.id),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    name: text('name').notNull(),
    register: text('register', { enum: registers }).notNull(),
    registerNumber: text('register_number').notNull(),
    country: text('country').notNull(),
    timeZone: text('time_zone').notNull(),
    sites: jsonb('sites').$type<{ name: string; registerNumber: string | null; place: string | null }[]>().notNull(),
    contacts: jsonb('contacts')
      .$type<{ name: string; email: string; role: string; phone: string | null }[]>()
      .notNull(),
    note: text('note'),
    archivedAt: moment('archived_at'),
    createdBy: uuid('created_by').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    unique('prospect_register').on(t.agentId, t.register, t.registerNumber),
    index('prospect_school').on(t.schoolId),
  ],
);
