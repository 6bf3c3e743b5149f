import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { changeRolesOf } from './change-roles-of.ts';
import { operatorOrganisation } from './join-organisation.ts';

/** Somebody is an operator no longer; the last one stays (`last-administrator`). */
export const endOperatorMembership = defineVerb({
  name: 'people.end-operator-membership',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ userId: idSchema }),
  run: async (work) => {
    const organisationId = await operatorOrganisation(work);
    await changeRolesOf(work, { organisationId, kind: 'operator', userId: work.input.userId, roles: [] });
    return { ended: true };
  },
});
