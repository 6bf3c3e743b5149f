import { z } from 'zod';
import { connectorById } from '#server/connectors/registry.ts';
import { systemInSchool } from '#server/features/connections/load-rows.ts';
import { assertMayServe, userIdOf } from '#server/features/systems/system-party.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { packageThatWaits, requestRun } from '#server/roster/request-run.ts';
import { assertMayBeAsked } from './systems-with-grants.ts';

/**
 * "Sync now": asks for a run, or joins the one that is queued or under way.
 * @throws CrosswalkError `not-found`, `stopped-by-school`, `grant-not-live`, `forbidden` for who is limited to another system,
 *   `package-awaited` where packages are handed in and none waits
 */
export const requestSync = defineVerb({
  name: 'sync.request-sync',
  kind: 'command',
  access: [{ school: ['school-administrator', 'approver', 'technical-contact'] }],
  input: z.object({ schoolId: idSchema, systemId: idSchema }),
  run: async ({ input, party, ...work }) => {
    const { schoolId, systemId } = input;
    assertMayServe(work.ctx, party, systemId);
    await assertMayBeAsked(work.tx, { schoolId, systemId, now: work.ctx.clock.now() });
    const system = await systemInSchool(work.tx, schoolId, systemId);
    const isHandedIn = connectorById(system.connector).source === 'handed-in';
    if (isHandedIn && (await packageThatWaits(work, input)) === null) throw new CrosswalkError('package-awaited');
    const requested = await requestRun(work, {
      schoolId,
      systemId,
      trigger: 'hand',
      requestedBy: userIdOf(work.ctx),
    });
    work.audit({
      action: 'sync.requested',
      subjectKind: 'system',
      subjectId: systemId,
      details: { syncRunId: requested.syncRunId, joined: requested.joined },
    });
    return requested;
  },
});
