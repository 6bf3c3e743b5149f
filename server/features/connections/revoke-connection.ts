import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { bidFarewell } from './destroy-credentials.ts';
import { endConnection } from './end-connection.ts';
import { lockConnection } from './load-rows.ts';
import { assertMaySteer, steeringRoles } from './steering-party.ts';
import { sweepCredentials } from './sweep-credentials.ts';

/**
 * Ends a connection for good: the grant, queued work and, with the last edge, the system's credential; what nobody may
 * have any more is purged. Receipts say what went.
 * @throws CrosswalkError `connection-ended`, `approver-limited`
 */
export const revokeConnection = defineLongVerb({
  name: 'connections.revoke',
  kind: 'command',
  access: [{ school: steeringRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema }),
  async run({ ctx, party, transact, input: { schoolId, connectionId } }) {
    const farewells = await transact(async (work) => {
      const locked = await lockConnection(work.tx, schoolId, connectionId);
      assertMaySteer(party, locked.system.id);
      await endConnection(work, locked, { type: 'revoke', because: 'school' });
      return sweepCredentials(work, locked.system);
    });
    await bidFarewell(ctx, farewells);
    return { connectionId };
  },
});
