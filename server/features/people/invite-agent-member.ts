import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { organisation } from '#db/schema/organisations.ts';
import { agentRoles } from '#db/schema/vocabulary.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { personFields } from './invitation-input.ts';
import { inviteByMail } from './invitation-links.ts';

/** An agent administrator invites a colleague; the operator invites an agent's administrator. */
export const inviteAgentMember = defineVerb({
  name: 'people.invite-agent-member',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema, ...personFields, roles: z.array(z.enum(agentRoles)).min(1).max(2) }),
  run: async (work) => {
    const { agentId } = work.input;
    const body = await work.tx.query.organisation.findFirst({ where: eq(organisation.id, agentId) });
    if (body?.kind !== 'agent') throw new CrosswalkError('not-found');
    return inviteByMail(work, { ...work.input, organisationId: agentId, schoolId: null });
  },
});
