import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { bytea, createdAt, id, moment } from './columns.ts';
import { connection, grant } from './connections.ts';
import { school } from './schools.ts';

/** What a consumer is known by at the token endpoint. It opens nothing by itself: its connection's live grant does. */
export const consumerClient = pgTable(
  'consumer_client',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    /** Public and random: it names neither the school nor the system. */
    clientId: text('client_id').notNull(),
    /** Public keys for `private_key_jwt` (RFC 7523), as a JWK set or where to read it. */
    jwks: jsonb('jwks').$type<unknown>(),
    jwksUrl: text('jwks_url'),
    /** Whether calls to OneRoster 1.1 that are signed by OAuth 1.0a are answered: the school's choice. */
    signedCalls: boolean('signed_calls').notNull().default(false),
    createdAt: createdAt(),
    lastUsedAt: moment('last_used_at'),
    revokedAt: moment('revoked_at'),
  },
  (t) => [
    unique('consumer_client_client_id').on(t.clientId),
    uniqueIndex('consumer_client_one_of_connection').on(t.connectionId).where(sql`revoked_at is null`),
    index('consumer_client_school').on(t.schoolId),
  ],
);

/** A client's secret, 256 random bits. Two are good at once only while the older one's overlap lasts. */
export const consumerSecret = pgTable(
  'consumer_secret',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    consumerClientId: uuid('consumer_client_id')
      .notNull()
      .references(() => consumerClient.id),
    hash: bytea('hash').notNull(),
    /** `SealedSecret`, only where the school allows signed calls: a signature cannot be checked against a hash. */
    sealed: jsonb('sealed').$type<unknown>(),
    /** Its last four characters: recognisable and harmless. */
    hint: text('hint').notNull(),
    createdAt: createdAt(),
    /** Null while nothing has taken its place. */
    endsAt: moment('ends_at'),
  },
  (t) => [index('consumer_secret_client').on(t.schoolId, t.consumerClientId)],
);

/** An access token that was issued: opaque, its SHA-256 here, bound to one consumer, school and grant (DESIGN.md §9). */
export const accessToken = pgTable(
  'access_token',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    tokenHash: bytea('token_hash').notNull(),
    consumerClientId: uuid('consumer_client_id')
      .notNull()
      .references(() => consumerClient.id),
    /** With which secret it was bought, whose end ends it too; null where a key signed. */
    consumerSecretId: uuid('consumer_secret_id').references(() => consumerSecret.id),
    connectionId: uuid('connection_id')
      .notNull()
      .references(() => connection.id),
    grantId: uuid('grant_id')
      .notNull()
      .references(() => grant.id),
    /** Scope strings of OneRoster, as the answer to the token request named them. */
    wireScopes: text('wire_scopes').array().notNull(),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [
    unique('access_token_hash').on(t.tokenHash),
    index('access_token_client').on(t.schoolId, t.consumerClientId),
    index('access_token_expiry').on(t.expiresAt),
  ],
);

/** What may come once only: `jti` of an assertion, nonce of a signed call. Kept until it would be refused for its age. */
export const consumerNonce = pgTable(
  'consumer_nonce',
  {
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    consumerClientId: uuid('consumer_client_id')
      .notNull()
      .references(() => consumerClient.id),
    kind: text('kind', { enum: ['assertion', 'signature'] }).notNull(),
    hash: bytea('hash').notNull(),
    expiresAt: moment('expires_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.consumerClientId, t.kind, t.hash] }),
    index('consumer_nonce_expiry').on(t.expiresAt),
  ],
);
