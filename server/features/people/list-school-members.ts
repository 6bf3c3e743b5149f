import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { membersOf, openInvitationsOf } from './members-of.ts';

/** Who holds which role at the school; open invitations besides for its administrators. */
export const listSchoolMembers = defineVerb({
  name: 'people.list-school-members',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async (work) => {
    const administers = work.party.memberships.some((own) => own.role === 'school-administrator');
    return {
      members: await membersOf(work, work.input.schoolId),
      invitations: administers ? await openInvitationsOf(work, work.input.schoolId) : [],
      mayChange: administers,
    };
  },
});
