import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { requireSecondFactorIn } from './require-second-factor.ts';

/** Whether everybody of the agent needs a second factor. */
export const requireAgentSecondFactor = defineVerb({
  name: 'people.require-agent-second-factor',
  kind: 'command',
  access: [{ agent: ['agent-administrator'] }],
  input: z.object({ agentId: idSchema, required: z.boolean() }),
  run: async (work) => {
    await requireSecondFactorIn(work, work.input.agentId, work.input.required);
    return { required: work.input.required };
  },
});
