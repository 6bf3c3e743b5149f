import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { raiseSession } from './open-session.ts';
import { spendSecondFactor } from './second-factor.ts';
import { forgiveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * Raises the session by a code of the authenticator app or a recovery code. A code works once; after some wrong ones
 * each further one costs a growing wait. Only who knew the password gets here, so no stranger can close this door.
 */
export const giveSecondFactor = defineLongVerb({
  name: 'people.give-second-factor',
  kind: 'command',
  access: [{ signedIn: true, half: true }],
  input: z.object({ code: z.string().min(1).max(40) }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const key: ThrottleKey = { bucket: 'second-factor', value: user.userId };
    await transact(({ tx }) => reserveTryOrRefuse(tx, ctx.clock.now(), key));
    return transact(async (work) => {
      const used = await spendSecondFactor(ctx, work.tx, user.userId, input.code);
      if (used === null) throw new CrosswalkError('second-factor-refused');
      await raiseSession(work, user.sessionId);
      await forgiveTry(work.tx, key, 'all');
      work.audit({
        action: 'people.second-factor-given',
        subjectKind: 'session',
        subjectId: user.sessionId,
        details: { factor: used },
      });
      return { factor: used };
    });
  },
});
