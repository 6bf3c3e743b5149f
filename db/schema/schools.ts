import { index, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, moment, oneOf } from './columns.ts';
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
    /** What the operator wrote when trust was refused or given. */
    trustNote: text('trust_note'),
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

/** What the official register says of a school, as the operator imported it. Public facts; written by the operator alone. */
export const registerEntry = pgTable(
  'register_entry',
  {
    register: text('register', { enum: registers }).notNull(),
    registerNumber: text('register_number').notNull(),
    name: text('name').notNull(),
    /** The mail domain that the register gives, lower case; null where it gives none. */
    domain: text('domain'),
    importedAt: moment('imported_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.register, t.registerNumber] })],
);

/**
 * A school that registers by itself, until its e-mail address is confirmed: no school yet. Swept after it ran out or was
 * used, with the name and address in it.
 */
export const schoolRegistration = pgTable(
  'school_registration',
  {
    id: id(),
    tokenHash: bytea('token_hash').notNull(),
    schoolName: text('school_name').notNull(),
    register: text('register', { enum: registers }).notNull(),
    registerNumber: text('register_number').notNull(),
    country: text('country').notNull(),
    timeZone: text('time_zone').notNull(),
    personName: text('person_name').notNull(),
    email: text('email').notNull(),
    emailFolded: text('email_folded').notNull(),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
  },
  (t) => [
    unique('school_registration_token_hash').on(t.tokenHash),
    index('school_registration_email').on(t.emailFolded),
    oneOf('school_registration_register', t.register, registers),
  ],
);
