import { and, eq, isNull, ne } from 'drizzle-orm';
import { z } from 'zod';
import { session, totp } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { raiseSession } from './open-session.ts';
import { renewRecoveryCodesOf, spendSecondFactor } from './second-factor.ts';
import { forgiveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * Finishes the set-up of an authenticator app by a first code of it, and raises this session. The person's other
 * sessions must give a code from now on.
 * @returns ten recovery codes, to be shown this once.
 */
export const confirmTotp = defineLongVerb({
  name: 'people.confirm-totp',
  kind: 'command',
  access: [{ signedIn: true, half: true }],
  input: z.object({ code: z.string().min(1).max(40) }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const key: ThrottleKey = { bucket: 'second-factor', value: user.userId };
    await transact(({ tx }) => reserveTryOrRefuse(tx, ctx.clock.now(), key));
    return transact(async (work) => {
      const { tx } = work;
      const used = await spendSecondFactor(ctx, tx, user.userId, input.code, { confirming: true });
      if (used === null) throw new CrosswalkError('second-factor-refused');
      await tx.update(totp).set({ confirmedAt: ctx.clock.now() }).where(eq(totp.userId, user.userId));
      await tx
        .update(session)
        .set({ state: 'password-ok' })
        .where(and(eq(session.userId, user.userId), ne(session.id, user.sessionId), isNull(session.revokedAt)));
      await raiseSession(work, user.sessionId);
      await forgiveTry(tx, key, 'all');
      const recoveryCodes = await renewRecoveryCodesOf(ctx, tx, user.userId);
      work.audit({ action: 'people.totp-set-up', subjectKind: 'user', subjectId: user.userId });
      return { recoveryCodes };
    });
  },
});
