import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { ownProspect } from './own-prospect.ts';

/** A school as the agent entered it. Nothing of the tenant stands in it. */
export const viewSchoolOfAgent = defineVerb({
  name: 'schools.view-school-of-agent',
  kind: 'query',
  access: [{ agent: ['agent', 'agent-administrator'], serves: 'prospect' }],
  input: z.object({ agentId: idSchema, schoolId: idSchema }),
  run: async ({ tx, input }) => {
    const { name, register, registerNumber, country, timeZone, sites, contacts, note, createdAt } = await ownProspect(
      tx,
      input,
    );
    return { name, register, registerNumber, country, timeZone, sites, contacts, note, createdAt };
  },
});
