import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser } from '#db/schema/people.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { hashPassword, verifyPassword } from './password-hash.ts';
import { passwordProblem } from './password-rules.ts';
import { revokeSessionsOf } from './revoke-sessions-of.ts';
import { forgiveTry, reserveTryOrRefuse, type ThrottleKey } from './sign-in-throttle.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * A new password against the present one. All other sessions end; the person is told by mail. An account without a
 * password (it signs in by OpenID) sets one by the reset's mail instead: `state-forbids`.
 */
export const changePassword = defineLongVerb({
  name: 'people.change-password',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ present: z.string().max(1000), next: z.string().max(1000) }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const problem = passwordProblem(input.next, [user.name, user.email]);
    if (problem !== null) throw new CrosswalkError('invalid-input', { details: { fields: ['next'], problem } });
    const key: ThrottleKey = { bucket: 'password', value: user.userId };
    const stored = await transact(async ({ tx }) => {
      await reserveTryOrRefuse(tx, ctx.clock.now(), key);
      return (await tx.query.appUser.findFirst({ where: eq(appUser.id, user.userId) }))?.passwordHash ?? null;
    });
    if (stored === null) throw new CrosswalkError('state-forbids');
    if (!(await verifyPassword(stored, input.present))) {
      throw new CrosswalkError('sign-in-refused', { details: { fields: ['present'] } });
    }
    const passwordHash = await hashPassword(input.next);
    return transact(async (work) => {
      await forgiveTry(work.tx, key, 'all');
      await work.tx.update(appUser).set({ passwordHash }).where(eq(appUser.id, user.userId));
      const ended = await revokeSessionsOf(work, user.userId, { except: user.sessionId });
      await enqueueMail(work, {
        template: 'password-changed',
        to: { email: user.email, name: user.name },
        schoolId: null,
        parameters: { url: `${ctx.baseUrl}/reset-password` },
      });
      work.audit({
        action: 'people.password-changed',
        subjectKind: 'user',
        subjectId: user.userId,
        details: { sessionsEnded: ended.length },
      });
      return { sessionsEnded: ended.length };
    });
  },
});
