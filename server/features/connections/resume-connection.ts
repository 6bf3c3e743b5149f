import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import { lockConnection } from './load-rows.ts';
import { assertMaySteer, steeringRoles } from './steering-party.ts';

/**
 * Lets a paused connection go on where it stood; a sync follows.
 * @throws CrosswalkError `state-forbids`, `agreement-not-in-force`, `stopped-by-school`
 */
export const resumeConnection = defineVerb({
  name: 'connections.resume',
  kind: 'command',
  access: [{ school: steeringRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  async run(call) {
    const { tx, party, input } = call;
    const locked = await lockConnection(tx, input.schoolId, input.connectionId);
    assertMaySteer(party, locked.system.id);
    const { next } = await advance(call, locked, { type: 'resume' });
    return { state: next.state };
  },
});
