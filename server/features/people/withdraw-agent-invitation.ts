import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

import { withdrawInvitationOf } from './withdraw-invitation-of.ts';

/** Withdraws an open invitation: its link says so to whoever opens it. */
export const withdrawAgentInvitation = defineVerb({
  name: 'people.withdraw-agent-invitation',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema, invitationId: idSchema }),
  run: async (work) => {
    await withdrawInvitationOf(work, work.input.agentId, work.input.invitationId);
    return { withdrawn: true };
  },
});
