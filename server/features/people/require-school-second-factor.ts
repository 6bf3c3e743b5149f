import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { requireSecondFactorIn } from './require-second-factor.ts';

/** Whether everybody of the school needs a second factor. */
export const requireSchoolSecondFactor = defineVerb({
  name: 'people.require-school-second-factor',
  kind: 'command',
  access: [{ school: ['school-administrator'] }],
  input: z.object({ schoolId: idSchema, required: z.boolean() }),
  run: async (work) => {
    await requireSecondFactorIn(work, work.input.schoolId, work.input.required);
    return { required: work.input.required };
  },
});
