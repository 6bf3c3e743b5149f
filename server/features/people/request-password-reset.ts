import { setTimeout as pause } from 'node:timers/promises';
import { and, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { appUser, singleUseLink } from '#db/schema/people.ts';
import { enqueueMail } from '#server/features/mail/enqueue-mail.ts';
import { defineLongVerb, type Work } from '#server/kernel/verb.ts';
import { createSingleUseLink } from './create-single-use-link.ts';
import { deviceSchema } from './device-schema.ts';
import { foldEmail } from './email-address.ts';
import { reserveTry, reserveTryOrRefuse } from './sign-in-throttle.ts';

const minute = 60_000;
export const resetMinutes = 30;

/** Longer than the work for an account takes, so that the time of the answer tells nothing. */
const answerMilliseconds = 350;

/**
 * Mails a link for a new password, good once and for thirty minutes, if there is such an account. The answer and its
 * time are the same where there is none. Not on the wire: the page's server action calls it with the request's device.
 */
export const requestPasswordReset = defineLongVerb({
  name: 'people.request-password-reset',
  kind: 'command',
  access: [{ anyone: true }],
  unaudited: 'an address that nobody has must not be told apart, and leaves nothing to write down',
  input: z.object({ email: z.string().max(400), device: deviceSchema }),
  run: async ({ ctx, input, transact }) => {
    const now = ctx.clock.now();
    await transact(({ tx }) =>
      reserveTryOrRefuse(tx, now, { bucket: 'reset-network', value: input.device.networkKey }),
    );
    const folded = foldEmail(input.email);
    const answer = pause(answerMilliseconds, { sent: true } as const);
    if (folded !== null) {
      await transact(async (work) => {
        // Too many mails to one address: said to nobody, else it would tell that somebody asks for it.
        if ((await reserveTry(work.tx, now, { bucket: 'reset', value: folded })) === 0) await mailLink(work, folded);
      });
    }
    return answer;
  },
});

async function mailLink(work: Work, folded: string): Promise<void> {
  const { ctx, tx } = work;
  const user = await tx.query.appUser.findFirst({
    where: and(eq(appUser.emailFolded, folded), isNull(appUser.disabledAt)),
  });
  if (user === undefined) return;
  await tx
    .update(singleUseLink)
    .set({ withdrawnAt: ctx.clock.now() })
    .where(
      and(
        eq(singleUseLink.userId, user.id),
        eq(singleUseLink.purpose, 'password-reset'),
        isNull(singleUseLink.usedAt),
        isNull(singleUseLink.withdrawnAt),
      ),
    );
  const { linkId, token } = await createSingleUseLink(work, {
    purpose: 'password-reset',
    validMilliseconds: resetMinutes * minute,
    userId: user.id,
  });
  await enqueueMail(work, {
    template: 'password-reset',
    to: { email: user.email, name: user.name },
    schoolId: null,
    parameters: { url: `${ctx.baseUrl}/reset-password/${token}`, minutes: resetMinutes },
  });
  work.audit({
    action: 'people.password-reset-asked',
    subjectKind: 'link',
    subjectId: linkId,
    details: { userId: user.id },
  });
}
