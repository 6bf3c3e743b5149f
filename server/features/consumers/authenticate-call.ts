import { eq } from 'drizzle-orm';
import { consumerClient } from '#db/schema/index.ts';
import { hashToken } from '#server/features/people/session-token.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { openText } from '#server/kernel/sealed.ts';
import {
  isSignedWith,
  nonceExpiry,
  readSignedRequest,
  type SignedRequest,
} from '#server/protocols/oauth/signed-request.ts';
import { wireScopesFor } from '#server/protocols/oneroster/scopes.ts';
import { placeOfClientSecret, secretsOf } from './client-secret.ts';
import { type ConsumerCall, liveConsumerByToken, liveConsumerOf } from './consumer-call.ts';
import { findClient, takeOnce } from './find-client.ts';

/** What of a request tells who calls. */
export interface CallToAuthenticate {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | null;
  /** Parameters of a form body, which a signature covers too. */
  readonly form?: URLSearchParams;
}

/** RFC 6750 §2.1: the scheme in any case, one token of its alphabet. */
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/**
 * Lets a consumer's call in by its bearer token or, to OneRoster 1.1 where the school allows it, by an OAuth 1.0a signature; against
 * the live grant at every call: what the school ended, paused or stopped a moment ago opens nothing any more, whatever
 * process is asked.
 * @throws CrosswalkError `token-missing`, `token-refused`
 */
export async function authenticateCall(ctx: Context, request: CallToAuthenticate): Promise<ConsumerCall> {
  const authorization = request.authorization ?? '';
  const token = bearer.exec(authorization)?.[1];
  const signed = token === undefined ? readSignedRequest(authorization) : null;
  if (token === undefined && signed === null) throw new CrosswalkError('token-missing');
  const call =
    signed === null
      ? await liveConsumerByToken(ctx, hashToken(token ?? ''))
      : await callOfSignature(ctx, request, signed);
  if (call === null) throw new CrosswalkError('token-refused');
  return call;
}

async function callOfSignature(
  ctx: Context,
  request: CallToAuthenticate,
  signed: SignedRequest,
): Promise<ConsumerCall | null> {
  const now = ctx.clock.now();
  const expiresAt = nonceExpiry(signed, now);
  if (expiresAt === null || !new URL(request.url).pathname.includes('/v1p1/')) return null;
  const client = await findClient(ctx, signed.consumerKey);
  if (client === null || !client.signedCalls) return null;
  return ctx.database.withSchool(client.schoolId, async (tx) => {
    const secrets = await secretsOf(tx, { schoolId: client.schoolId, consumerClientId: client.id }, now);
    const fits = secrets.some(
      ({ id, sealed }) =>
        sealed !== null &&
        isSignedSo(ctx, request, signed, openText(ctx.keyring, sealed, placeOfClientSecret(client.schoolId, id))),
    );
    if (!fits) return null;
    const once = `${signed.parameters.find(([name]) => name === 'oauth_timestamp')?.[1]}\0${signed.nonce}`;
    if (!(await takeOnce(tx, client, { kind: 'signature', value: once, now, expiresAt }))) return null;
    const live = await liveConsumerOf(tx, client.id, now);
    if (live === null) return null;
    await tx.update(consumerClient).set({ lastUsedAt: now }).where(eq(consumerClient.id, client.id));
    return { ...live, wireScopes: wireScopesFor(live.scopes) };
  });
}

/**
 * A proxy may have changed how we are addressed: the signature is of the address that the client knows. Some ask for `courses/`, are sent on to
 * `courses`, and follow with the signature that they have.
 */
function isSignedSo(ctx: Context, request: CallToAuthenticate, signed: SignedRequest, secret: string): boolean {
  const asked = new URL(request.url);
  const known = new URL(`${asked.pathname}${asked.search}`, ctx.baseUrl);
  const addresses = [known, asked].flatMap(({ origin, pathname, search }) => [
    `${origin}${pathname}${search}`,
    `${origin}${pathname}/${search}`,
  ]);
  return addresses.some((url) => isSignedWith(signed, { ...request, url }, secret));
}
