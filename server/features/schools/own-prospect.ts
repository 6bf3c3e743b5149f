import { and, eq, isNull } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { prospect } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** The agent's own row of a school; `not-found` where he has none. */
export async function ownProspect(
  tx: Tx,
  { agentId, schoolId }: { agentId: string; schoolId: string },
): Promise<typeof prospect.$inferSelect> {
  const row = await tx.query.prospect.findFirst({
    where: and(eq(prospect.agentId, agentId), eq(prospect.schoolId, schoolId), isNull(prospect.archivedAt)),
  });
  if (row === undefined) throw new CrosswalkError('not-found');
  return row;
}
