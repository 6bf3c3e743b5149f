import { asc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { organisation } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

const countsSchema = z.array(
  z.object({ id: z.uuid(), members: z.number(), schools: z.number(), inForce: z.number(), open: z.number() }),
);

async function agentsWithCounts(tx: Tx) {
  const counts = new Map(
    countsSchema
      .parse(
        await tx.execute(
          sql`select agent_id as id, members, schools, in_force as "inForce", open from across.agent_counts()`,
        ),
      )
      .map((row) => [row.id, row]),
  );
  const rows = await tx.query.organisation.findMany({
    where: eq(organisation.kind, 'agent'),
    orderBy: asc(organisation.name),
  });
  return rows.map((row) => ({
    agentId: row.id,
    name: row.name,
    country: row.country,
    emailDomains: row.emailDomains,
    mayCountersign: row.mayCountersign,
    requiresTotp: row.requiresTotp,
    reviewedAt: row.reviewedAt,
    suspendedAt: row.suspendedAt,
    createdAt: row.createdAt,
    members: counts.get(row.id)?.members ?? 0,
    schools: counts.get(row.id)?.schools ?? 0,
    agreementsInForce: counts.get(row.id)?.inForce ?? 0,
    agreementsOpen: counts.get(row.id)?.open ?? 0,
  }));
}

/** Every agent with how far its work has come, in counts. */
export const listAgents = defineVerb({
  name: 'organisations.list-agents',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({}),
  run: ({ tx }) => agentsWithCounts(tx),
});

/** One agent, for the operator or for itself. */
export const viewAgent = defineVerb({
  name: 'organisations.view-agent',
  kind: 'query',
  access: [{ operator: true }, { agent: ['agent', 'agent-administrator'] }],
  input: z.object({ agentId: idSchema }),
  run: async ({ tx, input }) => {
    const found = (await agentsWithCounts(tx)).find((row) => row.agentId === input.agentId);
    if (found === undefined) throw new CrosswalkError('not-found');
    return found;
  },
});
