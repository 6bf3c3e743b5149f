import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { oauthAttempt } from '#db/schema/index.ts';
import type { Scope } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { newId } from '#server/kernel/ids.ts';
import { openJson, seal } from '#server/kernel/sealed.ts';
import type { Work } from '#server/kernel/verb.ts';
import { placeOfSecret, placeOfVerifier } from './credential-places.ts';
import type { CredentialRow, SystemRow } from './load-rows.ts';

/** Ten minutes to say yes over there. */
export const attemptMilliseconds = 10 * 60 * 1000;

/** The one redirect address, to be entered exactly so at the foreign system. */
export const redirectUriOf = (ctx: Pick<Context, 'baseUrl'>) => `${ctx.baseUrl}/oauth/canvas/callback`;

export const hashOfState = (state: string) => createHash('sha256').update(state, 'utf8').digest('hex');

/** What an attempt is bound to: the browser's session, or the link that somebody without an account holds. */
export function binderOf(actor: Actor): string | null {
  if (actor.kind === 'user') return actor.sessionId;
  return actor.kind === 'link' ? actor.linkId : null;
}

/**
 * Begins a consent: a fresh state of which only the hash is kept, and a PKCE verifier (RFC 7636), sealed.
 * @returns where to send the administrator
 */
export async function beginAttempt(
  { ctx, tx }: Work,
  system: SystemRow,
  credential: CredentialRow,
  scopes: readonly Scope[],
  withPkce: boolean,
): Promise<string> {
  const { consent } = connectorById(system.connector);
  if (consent === null || credential.sealed === null) throw new CrosswalkError('state-forbids');
  const attemptId = newId();
  const state = randomBytes(32).toString('base64url');
  const verifier = randomBytes(32).toString('base64url');
  const redirectUri = redirectUriOf(ctx);
  const now = ctx.clock.now();
  await tx.insert(oauthAttempt).values({
    id: attemptId,
    schoolId: system.schoolId,
    systemId: system.id,
    credentialId: credential.id,
    stateHash: hashOfState(state),
    sealedVerifier: withPkce
      ? seal(ctx.keyring, verifier, placeOfVerifier(system.schoolId, attemptId, system.origins))
      : null,
    withPkce,
    redirectUri,
    sessionId: binderOf(ctx.actor),
    createdAt: now,
    expiresAt: new Date(now.getTime() + attemptMilliseconds),
  });
  const owner = { schoolId: system.schoolId, credentialId: credential.id, origins: system.origins };
  const secret = openJson(ctx.keyring, credential.sealed, placeOfSecret(owner), z.record(z.string(), z.unknown()));
  return consent.authorizeUrl(system.settings, secret, {
    state,
    redirectUri,
    scopes,
    codeChallenge: withPkce ? createHash('sha256').update(verifier, 'ascii').digest('base64url') : null,
  });
}
