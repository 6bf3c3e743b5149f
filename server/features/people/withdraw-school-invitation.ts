import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';

import { withdrawInvitationOf } from './withdraw-invitation-of.ts';

/** Withdraws an open invitation: its link says so to whoever opens it. */
export const withdrawSchoolInvitation = defineVerb({
  name: 'people.withdraw-school-invitation',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, invitationId: idSchema }),
  run: async (work) => {
    await withdrawInvitationOf(work, work.input.schoolId, work.input.invitationId);
    return { withdrawn: true };
  },
});
