import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { appUser } from '#db/schema/people.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { findOpenLink, spendLink } from './find-link.ts';
import { hashPassword } from './password-hash.ts';
import { passwordProblem } from './password-rules.ts';
import { revokeSessionsOf } from './revoke-sessions-of.ts';
import { forgiveTry } from './sign-in-throttle.ts';

/**
 * Sets a new password by the mailed link. Every session ends; a second factor stays needed at the next sign-in.
 * @throws CrosswalkError `link-unusable`; `invalid-input` with `details.problem` for a password that is refused (the
 *   link stays good).
 */
export const resetPassword = defineLongVerb({
  name: 'people.reset-password',
  kind: 'command',
  access: [{ anyone: true }],
  input: z.object({ token: z.string().min(20).max(200), password: z.string().max(1000) }),
  run: async ({ ctx, input, transact }) => {
    const link = await findOpenLink(ctx, input.token, ['password-reset']);
    const userId = link.user_id;
    if (userId === null) throw new CrosswalkError('link-unusable', { details: { why: 'unknown' } });
    const user = await transact(({ tx }) => tx.query.appUser.findFirst({ where: eq(appUser.id, userId) }));
    if (user === undefined || user.disabledAt !== null) {
      throw new CrosswalkError('link-unusable', { details: { why: 'withdrawn' } });
    }
    const problem = passwordProblem(input.password, [user.name, user.email]);
    if (problem !== null) throw new CrosswalkError('invalid-input', { details: { fields: ['password'], problem } });
    const passwordHash = await hashPassword(input.password);
    return transact(async (work) => {
      const now = ctx.clock.now();
      await spendLink(work.tx, link.id, now);
      await work.tx
        .update(appUser)
        .set({ passwordHash, emailVerifiedAt: user.emailVerifiedAt ?? now })
        .where(eq(appUser.id, userId));
      const ended = await revokeSessionsOf(work, userId);
      await forgiveTry(work.tx, { bucket: 'account', value: user.emailFolded }, 'all');
      await enqueueMail(work, {
        template: 'password-changed',
        to: { email: user.email, name: user.name },
        schoolId: null,
        parameters: { url: `${ctx.baseUrl}/reset-password` },
      });
      work.audit({
        action: 'people.password-reset',
        subjectKind: 'user',
        subjectId: userId,
        details: { linkId: link.id, sessionsEnded: ended.length },
      });
      return { email: user.email };
    });
  },
});
