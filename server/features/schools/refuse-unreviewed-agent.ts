import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { organisation } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** An agent does business only after the operator's review: `organisation-not-reviewed`. */
export async function refuseUnreviewedAgent(tx: Tx, agentId: string): Promise<typeof organisation.$inferSelect> {
  const agent = await tx.query.organisation.findFirst({ where: eq(organisation.id, agentId) });
  if (agent === undefined || agent.kind !== 'agent') throw new CrosswalkError('not-found');
  if (agent.reviewedAt === null || agent.suspendedAt !== null) throw new CrosswalkError('organisation-not-reviewed');
  return agent;
}
