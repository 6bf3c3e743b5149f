import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { organisation } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { agentDetailsSchema } from './agent-details.ts';

/** The operator changes an agent's name, mail domains or mandate to countersign. */
export const editAgent = defineVerb({
  name: 'organisations.edit-agent',
  kind: 'command',
  access: [{ operator: true }],
  input: agentDetailsSchema.extend({ agentId: idSchema }),
  run: async ({ tx, input, audit }) => {
    const { agentId, ...details } = input;
    const changed = await tx
      .update(organisation)
      .set(details)
      .where(and(eq(organisation.id, agentId), eq(organisation.kind, 'agent')))
      .returning({ id: organisation.id });
    if (changed.length === 0) throw new CrosswalkError('not-found');
    audit({
      action: 'organisations.agent-edited',
      subjectKind: 'organisation',
      subjectId: agentId,
      details: { emailDomains: details.emailDomains, mayCountersign: details.mayCountersign },
    });
    return { agentId };
  },
});

/** What the operator decides of an agent as a whole. Suspended, its people have no rights there; schools, agreements and connections stay. */
export const decideAgent = defineVerb({
  name: 'organisations.decide-agent',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ agentId: idSchema, decision: z.enum(['review', 'suspend', 'resume']) }),
  run: async ({ ctx, tx, input, audit }) => {
    const row = await tx.query.organisation.findFirst({
      where: and(eq(organisation.id, input.agentId), eq(organisation.kind, 'agent')),
    });
    if (row === undefined) throw new CrosswalkError('not-found');
    const now = ctx.clock.now();
    const done = {
      review: row.reviewedAt !== null,
      suspend: row.suspendedAt !== null,
      resume: row.suspendedAt === null,
    }[input.decision];
    if (done) throw new CrosswalkError('already-decided');
    const change = { review: { reviewedAt: now }, suspend: { suspendedAt: now }, resume: { suspendedAt: null } };
    await tx.update(organisation).set(change[input.decision]).where(eq(organisation.id, row.id));
    audit({
      action: `organisations.agent-${{ review: 'reviewed', suspend: 'suspended', resume: 'resumed' }[input.decision]}`,
      subjectKind: 'organisation',
      subjectId: row.id,
    });
    return { agentId: row.id };
  },
});
