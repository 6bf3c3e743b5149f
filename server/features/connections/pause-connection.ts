import { z } from 'zod';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { advance } from './advance.ts';
import { lockConnection } from './load-rows.ts';
import { discardUnlessServed } from './purge-ungranted.ts';
import { assertMaySteer, steeringRoles } from './steering-party.ts';

/**
 * Lets a connection rest, for a while or until it is resumed: nothing is read, what was received stays.
 * @throws CrosswalkError `state-forbids`, `connection-ended`, `invalid-input` for a moment that has passed
 */
export const pauseConnection = defineVerb({
  name: 'connections.pause',
  kind: 'command',
  access: [{ school: steeringRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema, resumesAt: z.coerce.date().optional() }),
  async run(call) {
    const { ctx, tx, party, input } = call;
    const { schoolId, connectionId, resumesAt } = input;
    const locked = await lockConnection(tx, schoolId, connectionId);
    assertMaySteer(party, locked.system.id);
    if (locked.connection.state === 'paused') {
      throw new CrosswalkError('state-forbids', { details: { state: 'paused' } });
    }
    if (resumesAt !== undefined && resumesAt <= ctx.clock.now()) {
      throw new CrosswalkError('invalid-input', { details: { fields: ['resumesAt'] } });
    }
    const { next } = await advance(
      call,
      locked,
      { type: 'pause', by: 'school' },
      {
        columns: { resumesAt: resumesAt ?? null },
        details: { resumesAt: resumesAt?.toISOString() ?? null },
      },
    );
    await discardUnlessServed(call, locked.system);
    return { state: next.state };
  },
});
