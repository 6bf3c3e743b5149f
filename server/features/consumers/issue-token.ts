import { and, eq, gt, lt } from 'drizzle-orm';
import { z } from 'zod';
import { accessToken, connection, consumerClient } from '#db/schema/index.ts';
import type { ConnectionState } from '#db/schema/vocabulary.ts';
import { newToken } from '#server/features/people/session-token.ts';
import { forgiveTry, reserveTry, type ThrottleKey } from '#server/features/people/sign-in-throttle.ts';
import { isCrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { outboundOfProcess } from '#server/kernel/outbound/client-of-process.ts';
import { defineLongVerb, type Work } from '#server/kernel/verb.ts';
import { checkAssertion, jwksSchema } from '#server/protocols/oauth/client-assertion.ts';
import {
  type ClientProof,
  isTokenRefusal,
  readTokenRequest,
  refusal,
  type TokenAnswer,
  type TokenRefusal,
} from '#server/protocols/oauth/token-request.ts';
import { wireScopesFor } from '#server/protocols/oneroster/scopes.ts';
import { matchingSecret, secretsOf } from './client-secret.ts';
import { liveConsumerOf } from './consumer-call.ts';
import { type ClientRow, findClient, takeOnce } from './find-client.ts';

/** How long a token lives: 1EdTech's Security Framework recommends an hour, and no longer is given. */
const lifeSeconds = 60 * 60;
/** Tokens that a client may buy within a minute; each is good for an hour. */
const tokensPerMinute = 30;
export const tokenPath = '/oauth/token';

const unknownClient = refusal('invalid_client', 'The client is unknown, or its secret or key is not right.');

/** Why a client that is who it says gets no token, by where its connection stands. */
const refusals: Record<ConnectionState, string> = {
  draft: 'The school has not approved this connection yet.',
  requested: 'The school has not approved this connection yet.',
  approved: 'The school has approved this connection; its data is not here yet. Try again later.',
  connecting: 'The school has approved this connection; its data is not here yet. Try again later.',
  live: 'The school does not release anything on this connection at the moment.',
  failing: 'The school does not release anything on this connection at the moment.',
  paused: 'This connection is paused.',
  declined: 'The school has declined this connection.',
  withdrawn: 'The request for this connection was withdrawn.',
  lapsed: 'The request for this connection was not answered in time.',
  revoked: 'The school has ended this connection.',
  expired: 'The term of this connection is over.',
};

/**
 * Issues an access token for client credentials (RFC 6749 §4.4): opaque, an hour at most, for one consumer, school and grant. What
 * is asked beyond the grant is left out and the answer says so (§3.3). Whoever guesses learns nothing: an unknown
 * client, a wrong secret and one that has ended are refused alike, and each further guess waits longer.
 */
export const issueToken = defineLongVerb({
  name: 'consumers.issue-token',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({
    authorization: z.string().max(10_000).nullable(),
    contentType: z.string().max(500).nullable(),
    body: z.string().max(50_000),
    networkKey: z.string(),
  }),
  unaudited: 'a refusal is no event; every token that is issued is audited',
  async run({ ctx, transact, input }): Promise<TokenAnswer | TokenRefusal> {
    const request = readTokenRequest(input);
    if (isTokenRefusal(request)) return request;
    const { proof } = request;
    const now = ctx.clock.now();
    const keys: ThrottleKey[] = [
      { bucket: 'client', value: `${proof.clientId}\0${input.networkKey}` },
      { bucket: 'client-network', value: input.networkKey },
    ];
    const wait = await transact(async ({ tx }) => {
      let seconds = 0;
      for (const key of keys) seconds = Math.max(seconds, await reserveTry(tx, now, key));
      return seconds;
    });
    if (wait > 0) return tooOften('Too many wrong tries.', wait);
    const client = await findClient(ctx, proof.clientId);
    if (client === null || client.revokedAt !== null) return unknownClient;
    const keySet = proof.kind === 'assertion' ? await keysOf(client) : null;
    const scope = { schoolId: client.schoolId };
    return transact(async (work) => {
      const shown = await authenticateClient(work, client, proof, keySet);
      if (shown === null) return unknownClient;
      for (const key of keys) await forgiveTry(work.tx, key, 'one');
      return issue(work, client, shown.secretId, request.scopes);
    }, scope);
  },
});

/** Public keys that a client signs with: those that it left here, or those at its address as they stand now. */
async function keysOf(client: ClientRow): Promise<z.output<typeof jwksSchema> | null> {
  if (client.jwksUrl === null) return jwksSchema.nullable().catch(null).parse(client.jwks);
  try {
    const answer = await outboundOfProcess().request({ url: client.jwksUrl, timeoutMs: 5000, maxBytes: 256 * 1024 });
    if (answer.status === 200) return await answer.json(jwksSchema);
    answer.discard();
    return null;
  } catch (error) {
    // Keys that cannot be read prove nothing; the client hears the same as for a wrong one.
    if (isCrosswalkError(error)) return null;
    throw error;
  }
}

async function authenticateClient(
  { ctx, tx }: Work,
  client: ClientRow,
  proof: ClientProof,
  keys: z.output<typeof jwksSchema> | null,
): Promise<{ secretId: string | null } | null> {
  const now = ctx.clock.now();
  if (proof.kind === 'secret') {
    const secrets = await secretsOf(tx, { schoolId: client.schoolId, consumerClientId: client.id }, now);
    const secret = matchingSecret(secrets, proof.secret);
    return secret === null ? null : { secretId: secret.id };
  }
  if (keys === null) return null;
  const audiences = [`${ctx.baseUrl}${tokenPath}`, ctx.baseUrl];
  const checked = await checkAssertion(proof.assertion, { clientId: client.clientId, audiences, keys, now });
  if (checked === null) return null;
  const { jti, expiresAt } = checked;
  const first = await takeOnce(tx, client, { kind: 'assertion', value: jti, now, expiresAt });
  return first ? { secretId: null } : null;
}

async function issue(
  { ctx, tx, audit }: Work,
  client: ClientRow,
  secretId: string | null,
  asked: readonly string[] | null,
): Promise<TokenAnswer | TokenRefusal> {
  const now = ctx.clock.now();
  const { schoolId } = client;
  const mine = and(eq(accessToken.schoolId, schoolId), eq(accessToken.consumerClientId, client.id));
  await tx.delete(accessToken).where(and(mine, lt(accessToken.expiresAt, now)));
  const recent = await tx.$count(accessToken, and(mine, gt(accessToken.createdAt, new Date(now.getTime() - 60_000))));
  if (recent >= tokensPerMinute) return tooOften('A token is good for an hour: keep it.', 60);
  const live = await liveConsumerOf(tx, client.id, now);
  if (live === null) return refusal('unauthorized_client', await reasonOf(tx, client));
  const possible = wireScopesFor(live.scopes);
  const scopes = asked === null ? possible : possible.filter((scope) => asked.includes(scope));
  if (scopes.length === 0) {
    return refusal('invalid_scope', 'The school has released nothing of what is asked for.');
  }
  const { token, hash } = newToken();
  const tokenId = newId();
  await tx.insert(accessToken).values({
    id: tokenId,
    schoolId,
    tokenHash: hash,
    consumerClientId: client.id,
    consumerSecretId: secretId,
    connectionId: live.connectionId,
    grantId: live.grantId,
    wireScopes: [...scopes],
    createdAt: now,
    expiresAt: new Date(now.getTime() + lifeSeconds * 1000),
  });
  await tx.update(consumerClient).set({ lastUsedAt: now }).where(eq(consumerClient.id, client.id));
  audit({
    action: 'consumer.token-issued',
    subjectKind: 'connection',
    subjectId: live.connectionId,
    details: { consumerClientId: client.id, grantId: live.grantId, scopes, by: secretId === null ? 'key' : 'secret' },
  });
  return { accessToken: token, expiresInSeconds: lifeSeconds, scopes };
}

async function reasonOf(tx: Work['tx'], client: ClientRow): Promise<string> {
  const [row] = await tx
    .select({ state: connection.state, way: connection.way })
    .from(connection)
    .where(and(eq(connection.schoolId, client.schoolId), eq(connection.id, client.connectionId)));
  return refusals[row?.state ?? 'revoked'];
}

const tooOften = (description: string, retryAfterSeconds: number): TokenRefusal => ({
  ...refusal('temporarily_unavailable', description),
  retryAfterSeconds,
});
