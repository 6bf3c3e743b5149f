import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { replacementInSchool } from './load-replacement.ts';

/** How a replacement stands: what a page asks while the job is at work, without counting a large district each time. @throws CrosswalkError `not-found` */
export const replacementStanding = defineVerb({
  name: 'replacement.standing',
  kind: 'query',
  access: [{ school: ['school-administrator', 'approver'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema }),
  run: async ({ tx, input }) => {
    const { state, wantedAt } = await replacementInSchool(tx, input.schoolId, input.replacementId);
    return { state, wantedAt };
  },
});
