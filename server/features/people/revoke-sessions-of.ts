import { and, eq, isNull, ne } from 'drizzle-orm';
import { session } from '#db/schema/people.ts';
import type { Work } from '#server/kernel/verb.ts';

/** Revokes a person's sessions, all or all but one: they are nobody's at the next request, from any process. */
export async function revokeSessionsOf(
  work: Pick<Work, 'ctx' | 'tx'>,
  userId: string,
  options: { except?: string; only?: string } = {},
): Promise<string[]> {
  const rows = await work.tx
    .update(session)
    .set({ state: 'revoked', revokedAt: work.ctx.clock.now() })
    .where(
      and(
        eq(session.userId, userId),
        isNull(session.revokedAt),
        options.except === undefined ? undefined : ne(session.id, options.except),
        options.only === undefined ? undefined : eq(session.id, options.only),
      ),
    )
    .returning({ id: session.id });
  return rows.map((row) => row.id);
}
