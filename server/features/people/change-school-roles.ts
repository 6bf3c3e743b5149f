import { z } from 'zod';
import { schoolRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { changeRolesOf } from './change-roles-of.ts';
import { schoolRoleFields } from './invitation-input.ts';
import { refuseForeignLimits } from './invite-school-member.ts';

/** Sets the roles that a member of the school has; none ends the membership. */
export const changeSchoolRoles = defineVerb({
  name: 'people.change-school-roles',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({
    schoolId: idSchema,
    userId: idSchema,
    ...schoolRoleFields,
    roles: z.array(z.enum(schoolRoles)).max(schoolRoles.length),
  }),
  run: async (work) => {
    await refuseForeignLimits(work.tx, work.input);
    await changeRolesOf(work, { ...work.input, organisationId: work.input.schoolId, kind: 'school' });
    return { changed: true };
  },
});
