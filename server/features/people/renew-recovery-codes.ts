import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { renewRecoveryCodesOf, spendSecondFactor } from './second-factor.ts';
import { forgiveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';
import { signedInUser } from './signed-in-user.ts';

/** New recovery codes against a code of the second factor; the old ones stop working. Shown this once. */
export const renewRecoveryCodes = defineLongVerb({
  name: 'people.renew-recovery-codes',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ code: z.string().min(1).max(40) }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const key: ThrottleKey = { bucket: 'second-factor', value: user.userId };
    await transact(({ tx }) => reserveTryOrRefuse(tx, ctx.clock.now(), key));
    return transact(async ({ tx, audit }) => {
      if ((await spendSecondFactor(ctx, tx, user.userId, input.code)) === null) {
        throw new CrosswalkError('second-factor-refused');
      }
      await forgiveTry(tx, key, 'all');
      const recoveryCodes = await renewRecoveryCodesOf(ctx, tx, user.userId);
      audit({ action: 'people.recovery-codes-renewed', subjectKind: 'user', subjectId: user.userId });
      return { recoveryCodes };
    });
  },
});
