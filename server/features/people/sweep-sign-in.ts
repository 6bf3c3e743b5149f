import { and, isNull, lt, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { session, signInThrottle } from '#db/schema/people.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { day } from './create-single-use-link.ts';

const keptDays = 30;
const counted = z.array(z.object({ links: z.coerce.number() }));

/**
 * Forgets what signing in leaves behind: throttle counts a day after the last failure, sessions and links (with the names
 * and addresses in them) thirty days after their end.
 */
export const sweepSignIn = defineVerb({
  name: 'people.sweep-sign-in',
  kind: 'command',
  access: [{ job: true }, { system: true }],
  unaudited: 'removes what has ended already and decides nothing',
  input: z.object({}),
  run: async ({ ctx, tx }) => {
    const now = ctx.clock.now().getTime();
    const [yesterday, before] = [new Date(now - day), new Date(now - keptDays * day)];
    const throttles = await tx
      .delete(signInThrottle)
      .where(
        and(
          lt(signInThrottle.windowStartedAt, yesterday),
          or(isNull(signInThrottle.blockedUntil), lt(signInThrottle.blockedUntil, yesterday)),
        ),
      )
      .returning({ key: signInThrottle.keyHash });
    const sessions = await tx
      .delete(session)
      .where(or(lt(session.expiresAt, before), lt(session.revokedAt, before)))
      .returning({ id: session.id });
    const [row] = counted.parse(
      await tx.execute(sql`select across.forget_links(${before.toISOString()}::timestamptz) as links`),
    );
    return { throttles: throttles.length, sessions: sessions.length, links: row?.links ?? 0 };
  },
});
