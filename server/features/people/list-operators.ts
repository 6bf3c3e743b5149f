import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { organisation } from '#db/schema/organisations.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { operatorOrganisation } from './join-organisation.ts';
import { membersOf, openInvitationsOf } from './members-of.ts';

/** The operators and open invitations to become one. */
export const listOperators = defineVerb({
  name: 'people.list-operators',
  kind: 'query',
  access: [{ operator: true }],
  input: z.object({}),
  run: async (work) => {
    const operatorId = await operatorOrganisation(work);
    const own = await work.tx.query.organisation.findFirst({ where: eq(organisation.id, operatorId) });
    return {
      operatorId,
      requiresTotp: own?.requiresTotp ?? false,
      members: await membersOf(work, operatorId),
      invitations: await openInvitationsOf(work, operatorId),
    };
  },
});
