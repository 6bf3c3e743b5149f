import { z } from 'zod';
import { agentRoles } from '#db/schema/vocabulary.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { changeRolesOf } from './change-roles-of.ts';

/** Sets the roles that somebody has at an agent; none ends the membership. */
export const changeAgentRoles = defineVerb({
  name: 'people.change-agent-roles',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }, { operator: true }],
  input: z.object({ agentId: idSchema, userId: idSchema, roles: z.array(z.enum(agentRoles)).max(2) }),
  run: async (work) => {
    await changeRolesOf(work, { ...work.input, organisationId: work.input.agentId, kind: 'agent' });
    return { changed: true };
  },
});
