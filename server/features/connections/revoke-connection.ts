import { z } from 'zod';
import { idSchema } from '#server/kernel/ids.ts';
import { defineLongVerb } from '#server/kernel/verb.ts';
import { bidFarewell } from './destroy-credentials.ts';
import { endConnection } from './end-connection.ts';
import { lockConnection, lockSystemEvenRemoved } from './load-rows.ts';
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
    const { farewells, lmsId } = await transact(async (work) => {
      const locked = await lockConnection(work.tx, schoolId, connectionId);
      assertMaySteer(party, locked.system.id);
      await endConnection(work, locked, { type: 'revoke', because: 'school' });
      const { way, consumerSystemId } = locked.connection;
      return {
        farewells: await sweepCredentials(work, locked.system),
        lmsId: way === 'push' ? consumerSystemId : null,
      };
    });
    await bidFarewell(ctx, farewells);
    // In a transaction of its own: nobody locks an LMS behind the SIS that it is pushed from.
    if (lmsId !== null) {
      await bidFarewell(
        ctx,
        await transact(async (work) => sweepCredentials(work, await lockSystemEvenRemoved(work.tx, schoolId, lmsId))),
      );
    }
    return { connectionId };
  },
});
