import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { organisation } from '#db/schema/organisations.ts';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { membersOf, openInvitationsOf } from './members-of.ts';
import { withSecondFactor } from './second-factor.ts';

/** Who holds which role at the school; open invitations besides for its administrators. */
export const listSchoolMembers = defineVerb({
  name: 'people.list-school-members',
  kind: 'query',
  access: [{ school: schoolRoles }],
  input: z.object({ schoolId: idSchema }),
  run: async (work) => {
    const administers = work.party.memberships.some((own) => own.role === 'school-administrator');
    const members = await membersOf(work, work.input.schoolId);
    const school = await work.tx.query.organisation.findFirst({ where: eq(organisation.id, work.input.schoolId) });
    return {
      members,
      requiresSecondFactor: school?.requiresTotp ?? false,
      /** Who has a second factor; null for those whom it does not concern. */
      withSecondFactor: administers
        ? await withSecondFactor(
            work.tx,
            members.map(({ userId }) => userId),
          )
        : null,
      invitations: administers ? await openInvitationsOf(work, work.input.schoolId) : [],
      mayChange: administers,
    };
  },
});
