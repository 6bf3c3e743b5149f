import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { organisation } from '#db/schema/organisations.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { changeRolesOf } from './change-roles-of.ts';
import { signedInUser } from './signed-in-user.ts';

/** Gives up all of one's own roles in an organisation; its last administrator cannot (`last-administrator`). */
export const leaveOrganisation = defineLongVerb({
  name: 'people.leave-organisation',
  kind: 'command',
  access: [{ signedIn: true }],
  input: z.object({ organisationId: idSchema }),
  run: async ({ ctx, input, transact }) => {
    const user = signedInUser(ctx);
    const own = user.memberships.find((membership) => membership.organisationId === input.organisationId);
    if (own === undefined) throw new CrosswalkError('not-found');
    await transact(
      async (work) => {
        const body = await work.tx.query.organisation.findFirst({ where: eq(organisation.id, input.organisationId) });
        if (body === undefined || body.kind === 'vendor') throw new CrosswalkError('not-found');
        await changeRolesOf(work, { ...input, kind: body.kind, userId: user.userId, roles: [] });
      },
      { schoolId: own.schoolId },
    );
    return { left: true };
  },
});
