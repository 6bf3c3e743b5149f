import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { membersOf, openInvitationsOf } from './members-of.ts';

/** Who belongs to an agent; open invitations besides for its administrators and the operator. */
export const listAgentMembers = defineVerb({
  name: 'people.list-agent-members',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema }),
  run: async (work) => {
    const { party } = work;
    const administers = party.as === 'operator' || party.memberships.some((own) => own.role === 'agent-administrator');
    return {
      members: await membersOf(work, work.input.agentId),
      invitations: administers ? await openInvitationsOf(work, work.input.agentId) : [],
      mayChange: administers,
    };
  },
});
