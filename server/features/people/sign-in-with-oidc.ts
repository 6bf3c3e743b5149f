import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, oidcIdentity } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { deviceSchema } from './device-schema.ts';
import { type OpenedSession, openSession } from './open-session.ts';

/** A subject that an OpenID provider vouched for: `iss` and `sub` of a validated ID token (OpenID Connect Core §2). */
export const identityFields = { issuer: z.string().min(1).max(500), subject: z.string().min(1).max(500) } as const;

/**
 * Opens a session for the account that this (issuer, subject) is linked to. An address in the token links nothing: who is
 * linked to nobody gets `identity-not-linked`. It is a first factor; a second one is asked for all the same. Not on the
 * wire: Auth.js calls it after it has validated the ID token.
 */
export const signInWithOidc = defineVerb({
  name: 'people.sign-in-with-oidc',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({ ...identityFields, device: deviceSchema }),
  run: async (work): Promise<OpenedSession> => {
    const { tx, input } = work;
    const [linked] = await tx
      .select({ userId: oidcIdentity.userId })
      .from(oidcIdentity)
      .innerJoin(appUser, and(eq(appUser.id, oidcIdentity.userId), isNull(appUser.disabledAt)))
      .where(and(eq(oidcIdentity.issuer, input.issuer), eq(oidcIdentity.subject, input.subject)));
    if (linked === undefined) throw new CrosswalkError('identity-not-linked');
    return openSession(work, { userId: linked.userId, method: 'oidc', device: input.device });
  },
});
