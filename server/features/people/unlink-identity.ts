import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, oidcIdentity } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { signedInUser } from './signed-in-user.ts';

/** Takes an OpenID account off one's own; the last way to sign in stays (`state-forbids`). */
export const unlinkIdentity = defineVerb({
  name: 'people.unlink-identity',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ issuer: z.string().max(500), subject: z.string().max(500) }),
  run: async ({ ctx, tx, input, audit }) => {
    const user = signedInUser(ctx);
    // Held until the end, so that two removals at once cannot leave the account without a way in.
    const [account] = await tx.select().from(appUser).where(eq(appUser.id, user.userId)).for('update');
    const identities = await tx.query.oidcIdentity.findMany({ where: eq(oidcIdentity.userId, user.userId) });
    if (!identities.some((one) => one.issuer === input.issuer && one.subject === input.subject)) {
      throw new CrosswalkError('not-found');
    }
    if (identities.length === 1 && (account?.passwordHash ?? null) === null) throw new CrosswalkError('state-forbids');
    await tx
      .delete(oidcIdentity)
      .where(
        and(
          eq(oidcIdentity.userId, user.userId),
          eq(oidcIdentity.issuer, input.issuer),
          eq(oidcIdentity.subject, input.subject),
        ),
      );
    audit({
      action: 'people.identity-unlinked',
      subjectKind: 'user',
      subjectId: user.userId,
      details: { host: URL.parse(input.issuer)?.host ?? null },
    });
    return { unlinked: true };
  },
});
