import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { operatorOrganisation } from './join-organisation.ts';
import { withdrawInvitationOf } from './withdraw-invitation-of.ts';

/** Withdraws an open invitation: its link says so to whoever opens it. */
export const withdrawOperatorInvitation = defineVerb({
  name: 'people.withdraw-operator-invitation',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ invitationId: idSchema }),
  run: async (work) => {
    await withdrawInvitationOf(work, await operatorOrganisation(work), work.input.invitationId);
    return { withdrawn: true };
  },
});
