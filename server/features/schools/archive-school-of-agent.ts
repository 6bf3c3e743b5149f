import { and, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, prospect } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { ownProspect } from './own-prospect.ts';

/** Takes a school off the agent's pipeline. `state-forbids` while an agreement is out or in force; nothing of the school's is touched. */
export const archiveSchoolOfAgent = defineVerb({
  name: 'schools.archive-school-of-agent',
  kind: 'command',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({ agentId: idSchema, schoolId: idSchema }),
  run: async ({ ctx, tx, input, audit }) => {
    const own = await ownProspect(tx, input);
    const open = await tx.query.agreement.findFirst({
      where: and(
        eq(agreement.schoolId, input.schoolId),
        eq(agreement.agentId, input.agentId),
        inArray(agreement.state, ['sent', 'signed', 'in-force', 'notice-given']),
      ),
    });
    if (open !== undefined) throw new CrosswalkError('state-forbids', { details: { agreement: open.state } });
    await tx.update(prospect).set({ archivedAt: ctx.clock.now() }).where(eq(prospect.id, own.id));
    audit({
      action: 'schools.archived',
      subjectKind: 'prospect',
      subjectId: own.id,
      chain: 'operator',
      details: { agentId: input.agentId },
    });
    return { archived: true };
  },
});
