import { and, desc, eq, gt, isNull } from 'drizzle-orm';
import { z } from 'zod';
import { session } from '#db/schema/people.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { sessionIdleMilliseconds } from './session-token.ts';
import { signedInUser } from './signed-in-user.ts';

/** The caller's own open sessions, the latest used first. */
export const listSessions = defineVerb({
  name: 'people.list-sessions',
  kind: 'query',
  access: [{ signedIn: true }],
  input: z.object({}),
  run: async ({ ctx, tx }) => {
    const user = signedInUser(ctx);
    const now = ctx.clock.now();
    const rows = await tx.query.session.findMany({
      where: and(
        eq(session.userId, user.userId),
        isNull(session.revokedAt),
        gt(session.expiresAt, now),
        gt(session.lastSeenAt, new Date(now.getTime() - sessionIdleMilliseconds)),
      ),
      orderBy: desc(session.lastSeenAt),
      limit: 100,
    });
    return rows.map(({ id, createdAt, lastSeenAt, expiresAt, network, userAgent, state }) => ({
      id,
      createdAt,
      lastSeenAt,
      expiresAt,
      network,
      userAgent,
      waitsForSecondFactor: state === 'password-ok',
      current: id === user.sessionId,
    }));
  },
});
