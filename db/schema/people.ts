import { boolean, index, integer, jsonb, pgTable, primaryKey, smallint, text, unique, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, moment, oneOf } from './columns.ts';
import { organisation } from './organisations.ts';
import { school, site } from './schools.ts';
import { system } from './systems.ts';
import { linkPurposes, roles, sessionStates } from './vocabulary.ts';

/** A person who signs in: staff of an agent, a school, a vendor or the operator. Never a student. */
export const appUser = pgTable(
  'app_user',
  {
    id: id(),
    name: text('name').notNull(),
    /** As typed; compared through `emailFolded`. */
    email: text('email').notNull(),
    emailFolded: text('email_folded').notNull(),
    emailVerifiedAt: moment('email_verified_at'),
    /** scrypt or argon2id in its own self-describing text form; null where only OIDC signs in. */
    passwordHash: text('password_hash'),
    locale: text('locale').notNull().default('en'),
    timeZone: text('time_zone'),
    disabledAt: moment('disabled_at'),
    createdAt: createdAt(),
  },
  (t) => [unique('app_user_email_folded').on(t.emailFolded)],
);

/** One browser's session. The cookie carries an opaque token whose SHA-256 stands here. */
export const session = pgTable(
  'session',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => appUser.id, { onDelete: 'cascade' }),
    tokenHash: bytea('token_hash').notNull(),
    state: text('state', { enum: sessionStates }).notNull(),
    createdAt: createdAt(),
    lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    revokedAt: moment('revoked_at'),
    /** Shortened (IPv4 /24, IPv6 /48): enough to recognise one's own device. */
    network: text('network'),
    userAgent: text('user_agent'),
  },
  (t) => [
    unique('session_token_hash').on(t.tokenHash),
    index('session_user').on(t.userId),
    oneOf('session_state', t.state, sessionStates),
  ],
);

/** TOTP (RFC 6238); the secret is sealed. `lastStep` refuses a code a second time. */
export const totp = pgTable('totp', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => appUser.id, { onDelete: 'cascade' }),
  sealedSecret: jsonb('sealed_secret').$type<unknown>().notNull(),
  confirmedAt: moment('confirmed_at'),
  lastStep: integer('last_step'),
  createdAt: createdAt(),
});

export const recoveryCode = pgTable(
  'recovery_code',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => appUser.id, { onDelete: 'cascade' }),
    codeHash: bytea('code_hash').notNull(),
    usedAt: moment('used_at'),
    createdAt: createdAt(),
  },
  (t) => [index('recovery_code_user').on(t.userId)],
);

/** A verified subject of an OpenID provider; the only thing that links an outside account (never e-mail alone). */
export const oidcIdentity = pgTable(
  'oidc_identity',
  {
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => appUser.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.issuer, t.subject] }), index('oidc_identity_user').on(t.userId)],
);

/** Failed tries per hashed key (account, network): slows guessing, never locks the owner out. */
export const signInThrottle = pgTable('sign_in_throttle', {
  keyHash: bytea('key_hash').primaryKey(),
  failures: integer('failures').notNull().default(0),
  windowStartedAt: moment('window_started_at').notNull(),
  blockedUntil: moment('blocked_until'),
});

/** Who holds which role where. `schoolId` is set exactly for the roles of a school, and then the row is the school's. */
export const membership = pgTable(
  'membership',
  {
    id: id(),
    organisationId: uuid('organisation_id')
      .notNull()
      .references(() => organisation.id),
    schoolId: uuid('school_id').references(() => school.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => appUser.id),
    role: text('role', { enum: roles }).notNull(),
    /** Limits an approver or technical contact to one system. */
    systemId: uuid('system_id').references(() => system.id),
    /** Limits an approver to one site. */
    siteId: uuid('site_id').references(() => site.id),
    createdAt: createdAt(),
    endedAt: moment('ended_at'),
  },
  (t) => [
    unique('membership_once')
      .on(t.organisationId, t.userId, t.role, t.systemId, t.siteId, t.endedAt)
      .nullsNotDistinct(),
    index('membership_user').on(t.userId),
    index('membership_school').on(t.schoolId),
    oneOf('membership_role', t.role, roles),
  ],
);

/** A link that works once: an invitation, a new password, a set-up page for a technical contact. Only its hash is kept. */
export const singleUseLink = pgTable(
  'single_use_link',
  {
    id: id(),
    tokenHash: bytea('token_hash').notNull(),
    purpose: text('purpose', { enum: linkPurposes }).notNull(),
    organisationId: uuid('organisation_id').references(() => organisation.id),
    schoolId: uuid('school_id').references(() => school.id),
    systemId: uuid('system_id').references(() => system.id),
    /** With `systemId`: the limit of an invited approver. */
    siteId: uuid('site_id').references(() => site.id),
    userId: uuid('user_id').references(() => appUser.id),
    email: text('email'),
    name: text('name'),
    roles: text('roles').array().notNull().default([]),
    createdBy: uuid('created_by').references(() => appUser.id),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
    withdrawnAt: moment('withdrawn_at'),
    attempts: smallint('attempts').notNull().default(0),
    needsSignIn: boolean('needs_sign_in').notNull().default(false),
  },
  (t) => [
    unique('single_use_link_token_hash').on(t.tokenHash),
    index('single_use_link_school').on(t.schoolId),
    oneOf('single_use_link_purpose', t.purpose, linkPurposes),
  ],
);

/** A school whose only administrator left: recovered by the operator after 72 hours and notice to all. */
export const recovery = pgTable(
  'recovery',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    newAdministratorEmail: text('new_administrator_email').notNull(),
    newAdministratorName: text('new_administrator_name').notNull(),
    reason: text('reason').notNull(),
    startedBy: uuid('started_by')
      .notNull()
      .references(() => appUser.id),
    startedAt: moment('started_at').notNull(),
    notBefore: moment('not_before').notNull(),
    stoppedAt: moment('stopped_at'),
    stoppedBy: uuid('stopped_by').references(() => appUser.id),
    completedAt: moment('completed_at'),
  },
  (t) => [index('recovery_school').on(t.schoolId)],
);
