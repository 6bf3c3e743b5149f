import { z } from 'zod';
import { pushEndings } from '#db/schema/vocabulary.ts';
import { assertMaySteer, steeringRoles } from '#server/features/connections/steering-party.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { pushedConnection } from './load-push.ts';
import { askForPush } from './request-push.ts';

/**
 * Ends a connection that is pushed, with what becomes of what is ours over there: left, kept from people, or removed. A push of its own does it;
 * the connection ends when that is done. What was there before us is never removed.
 * @throws CrosswalkError `not-found`, `push-not-offered`, `state-forbids`, `approver-limited`
 */
export const choosePushEnding = defineVerb({
  name: 'push.choose-ending',
  kind: 'command',
  access: [{ school: steeringRoles }],
  input: z.object({ schoolId: idSchema, connectionId: idSchema, ending: z.enum(pushEndings) }),
  run: async ({ input: { schoolId, connectionId, ending }, party, ...work }) => {
    const of = await pushedConnection(work.tx, schoolId, connectionId);
    assertMaySteer(party, of.connection.producerSystemId);
    const { pushRunId } = await askForPush(work, of, { trigger: 'ending', ending, requestedBy: userIdOf(work.ctx) });
    work.audit({
      action: 'push.ending-chosen',
      subjectKind: 'connection',
      subjectId: connectionId,
      details: { pushRunId, ending },
    });
    return { pushRunId };
  },
});
