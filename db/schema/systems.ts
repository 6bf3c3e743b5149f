import { boolean, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, moment, oneOf } from './columns.ts';
import { school } from './schools.ts';
import { credentialStates, systemKinds } from './vocabulary.ts';

/** One SIS or LMS of a school. */
export const system = pgTable(
  'system',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    kind: text('kind', { enum: systemKinds }).notNull(),
    /** A connector of `server/connectors/registry.ts`. */
    connector: text('connector').notNull(),
    /** The product as the school calls it. */
    name: text('name').notNull(),
    /** The connector's own settings (addresses, versions), parsed by its schema; holds no secret. */
    settings: jsonb('settings').$type<Record<string, unknown>>().notNull(),
    /** The origins (scheme, host, port) that a credential would be sent to; changing one voids proof and request. */
    origins: text('origins').array().notNull().default([]),
    hostConfirmedBy: uuid('host_confirmed_by'),
    hostConfirmedAt: moment('host_confirmed_at'),
    removedAt: moment('removed_at'),
    createdBy: uuid('created_by'),
    createdAt: createdAt(),
  },
  (t) => [index('system_school').on(t.schoolId), oneOf('system_kind', t.kind, systemKinds)],
);

/** What Crosswalk holds to be let into a system. Destroyed rows keep their history but no secret. */
export const credential = pgTable(
  'credential',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    systemId: uuid('system_id')
      .notNull()
      .references(() => system.id),
    state: text('state', { enum: credentialStates }).notNull(),
    /** `SealedSecret` of server/kernel/sealed.ts; null once destroyed. */
    sealed: jsonb('sealed').$type<unknown>(),
    /** Access and refresh tokens that the credential bought, sealed; null when none. */
    sealedTokens: jsonb('sealed_tokens').$type<unknown>(),
    tokensExpireAt: moment('tokens_expire_at'),
    /** Raised at every token change: one refresher at a time (compare and set). */
    tokenGeneration: integer('token_generation').notNull().default(0),
    /** Who renews the tokens at this moment, and until when nobody else tries; a lease, since no transaction may wait for a fetch. */
    refreshLeaseHolder: uuid('refresh_lease_holder'),
    refreshLeaseUntil: moment('refresh_lease_until'),
    /** Recognisable but harmless: last four of a client id, the service account's login name. */
    hint: text('hint').notNull().default(''),
    /** Per scope what a real call answered: ProofResult[] of server/connectors/contract.ts. */
    proof: jsonb('proof').$type<unknown>(),
    provedAt: moment('proved_at'),
    refusedAt: moment('refused_at'),
    refusedCode: text('refused_code'),
    enteredBy: uuid('entered_by'),
    createdAt: createdAt(),
    destroyedAt: moment('destroyed_at'),
  },
  (t) => [index('credential_system').on(t.schoolId, t.systemId), oneOf('credential_state', t.state, credentialStates)],
);

/** An OAuth consent under way: `state` and the PKCE verifier, single use, ten minutes. */
export const oauthAttempt = pgTable(
  'oauth_attempt',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    systemId: uuid('system_id')
      .notNull()
      .references(() => system.id),
    credentialId: uuid('credential_id').notNull(),
    stateHash: text('state_hash').notNull(),
    sealedVerifier: jsonb('sealed_verifier').$type<unknown>(),
    withPkce: boolean('with_pkce').notNull().default(true),
    redirectUri: text('redirect_uri').notNull(),
    sessionId: uuid('session_id'),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
  },
  (t) => [unique('oauth_attempt_state').on(t.stateHash)],
);

/** What we asked a system, for the school to see: never a body, a token or a query value that names a person. */
export const systemCall = pgTable(
  'system_call',
  {
    id: id(),
    schoolId: uuid('school_id')
      .notNull()
      .references(() => school.id),
    systemId: uuid('system_id').notNull(),
    syncRunId: uuid('sync_run_id'),
    at: moment('at').notNull(),
    purpose: text('purpose', { enum: ['proof', 'preview', 'sync', 'push', 'token', 'health'] }).notNull(),
    method: text('method').notNull(),
    path: text('path').notNull(),
    status: integer('status'),
    rows: integer('rows'),
    milliseconds: integer('milliseconds').notNull(),
    errorCode: text('error_code'),
  },
  (t) => [index('system_call_system').on(t.schoolId, t.systemId, t.at)],
);
