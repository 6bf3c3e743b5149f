import { z } from 'zod';
import { defineVerb } from '#server/kernel/verb.ts';
import { operatorOrganisation } from './join-organisation.ts';
import { requireSecondFactorIn } from './require-second-factor.ts';

/** Whether everybody of the operator needs a second factor. */
export const requireOperatorSecondFactor = defineVerb({
  name: 'people.require-operator-second-factor',
  kind: 'command',
  access: [{ operator: true }],
  input: z.object({ required: z.boolean() }),
  run: async (work) => {
    await requireSecondFactorIn(work, await operatorOrganisation(work), work.input.required);
    return { required: work.input.required };
  },
});
