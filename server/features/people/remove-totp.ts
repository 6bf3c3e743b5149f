import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { recoveryCode, totp } from '#db/schema/people.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { secondFactorRequired } from './open-session.ts';
import { spendSecondFactor } from './second-factor.ts';
import { forgiveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * Takes the second factor away, against a last code of it. `state-forbids` while an organisation requires one. The
 * person is told by mail.
 */
export const removeTotp = defineLongVerb({
  name: 'people.remove-totp',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ code: z.string().min(1).max(40) }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const key: ThrottleKey = { bucket: 'second-factor', value: user.userId };
    await transact(({ tx }) => reserveTryOrRefuse(tx, ctx.clock.now(), key));
    await transact(async (work) => {
      const { tx } = work;
      if ((await spendSecondFactor(ctx, tx, user.userId, input.code)) === null) {
        throw new CrosswalkError('second-factor-refused');
      }
      if (await secondFactorRequired(work, user.userId)) throw new CrosswalkError('state-forbids');
      await forgiveTry(tx, key, 'all');
      await tx.delete(totp).where(eq(totp.userId, user.userId));
      await tx.delete(recoveryCode).where(eq(recoveryCode.userId, user.userId));
      await enqueueMail(work, {
        template: 'second-factor-removed',
        to: { email: user.email, name: user.name },
        schoolId: null,
        parameters: { url: `${ctx.baseUrl}/account` },
      });
      work.audit({ action: 'people.totp-removed', subjectKind: 'user', subjectId: user.userId });
    });
    return { removed: true };
  },
});
