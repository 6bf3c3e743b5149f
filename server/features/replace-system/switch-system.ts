import { and, eq, gt, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { heldChange, request, syncRun, systemReplacement } from '#db/schema/index.ts';
import { advance, advanceIfAllowed } from '#server/features/connections/advance.ts';
import { approverReach } from '#server/features/connections/approver-limits.ts';
import {
  lockConnectionsOf,
  openRequestOf,
  type SystemRow,
  systemInSchool,
} from '#server/features/connections/load-rows.ts';
import { resumePausedBy } from '#server/features/connections/stop-everything.ts';
import { settleAfterDiscard } from '#server/features/connections/sync-outcome.ts';
import { userIdOf } from '#server/features/systems/system-party.ts';
import { mayBeAsked } from '#server/features/withheld/withhold.ts';
import type { Party } from '#server/kernel/access.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { carryWithheld } from './carry-withheld.ts';
import { markOfLinks } from './links-mark.ts';
import { lockReplacement, type ReplacementRow, undoUntil } from './load-replacement.ts';
import { switchIds, switchIdsBack } from './swap-ids.ts';

/** The whole of both systems is decided on. @throws CrosswalkError `approver-limited` */
function assertReachesBoth(party: Party, { oldSystemId, newSystemId }: ReplacementRow): void {
  for (const systemId of [oldSystemId, newSystemId]) {
    if (approverReach(party, systemId).kind !== 'all') {
      throw new CrosswalkError('approver-limited', { details: { limit: 'site' } });
    }
  }
}

function userOf(work: Work): string {
  const userId = userIdOf(work.ctx);
  if (userId === null) throw new CrosswalkError('forbidden');
  return userId;
}

/**
 * No run of either system is at work, and none that waits is applied afterwards: its plan speaks of ids that are no more.
 * @throws CrosswalkError `sync-under-way`
 */
async function clearRuns(work: Work, { schoolId, oldSystemId, newSystemId }: ReplacementRow): Promise<void> {
  const { ctx, tx } = work;
  const now = ctx.clock.now();
  const ofBoth = and(eq(syncRun.schoolId, schoolId), inArray(syncRun.systemId, [oldSystemId, newSystemId]));
  const [running] = await tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(and(ofBoth, eq(syncRun.state, 'running'), gt(syncRun.leaseUntil, now)))
    .limit(1);
  if (running !== undefined) throw new CrosswalkError('sync-under-way');
  const waiting = await tx
    .update(syncRun)
    .set({ state: 'discarded', held: null, finishedAt: now })
    .where(and(ofBoth, inArray(syncRun.state, ['queued', 'held', 'running'])))
    .returning({ id: syncRun.id });
  for (const { id } of waiting) {
    await tx.delete(heldChange).where(and(eq(heldChange.schoolId, schoolId), eq(heldChange.syncRunId, id)));
    await tx.execute(sql`select across.close_staging(${id}::uuid)`);
  }
  for (const systemId of [oldSystemId, newSystemId]) await settleAfterDiscard(work, schoolId, systemId);
}

/** What the old system's edges come to: those that were asked for are withdrawn, the others rest until they end with the time for an undo. */
async function restConnections(work: Work, schoolId: string, system: SystemRow): Promise<number> {
  let paused = 0;
  for (const connection of await lockConnectionsOf(work.tx, schoolId, system.id)) {
    const locked = { system, connection };
    const open = await openRequestOf(work.tx, schoolId, connection.id);
    if (connection.state === 'draft' || connection.state === 'requested') {
      await advance(work, locked, { type: 'withdraw', by: 'school' });
    } else if (connection.state !== 'paused') {
      if ((await advanceIfAllowed(work, locked, { type: 'pause', by: 'system-replaced' })) !== null) paused += 1;
    }
    if (open !== null) {
      await work.tx
        .update(request)
        .set({ state: 'void', voidReason: 'system-replaced' })
        .where(eq(request.id, open.id));
    }
  }
  return paused;
}

/**
 * The approver's yes: from this moment the new system stands in the old one's place. Who is linked keeps the Crosswalk id; who is not is
 * gone, or new. The old system's edges rest; those of the new one are what was approved for it, each on its own.
 * @throws CrosswalkError `not-found`, `approver-limited`, `state-forbids`; `links-unreviewed`; `changed-meanwhile` where other links are confirmed
 *   than were shown; `sync-under-way`
 */
export const switchSystem = defineVerb({
  name: 'replacement.switch',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema, fingerprint: z.string().max(200) }),
  run: async ({ input, party, ...work }) => {
    const { ctx, tx } = work;
    const { schoolId } = input;
    const userId = userOf(work);
    const row = await lockReplacement(tx, input, 'reviewing');
    assertReachesBoth(party, row);
    const links = await markOfLinks(tx, row);
    if (links.open > 0) throw new CrosswalkError('links-unreviewed', { details: { links: links.open } });
    if (links.fingerprint !== input.fingerprint) throw new CrosswalkError('changed-meanwhile');
    const oldSystem = await systemInSchool(tx, schoolId, row.oldSystemId);
    await systemInSchool(tx, schoolId, row.newSystemId);
    await clearRuns(work, row);
    await carryWithheld(work, { schoolId, from: row.oldSystemId, to: row.newSystemId, userId });
    const now = ctx.clock.now();
    await switchIds(tx, row, now);
    const { confirmed } = await markOfLinks(tx, row);
    const paused = await restConnections(work, schoolId, oldSystem);
    await tx
      .update(systemReplacement)
      .set({ state: 'switched', approvedBy: userId, switchedAt: now })
      .where(eq(systemReplacement.id, row.id));
    work.audit({
      action: 'replacement.switched',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, newSystemId: row.newSystemId, links: confirmed, paused },
    });
    return { links: confirmed, paused, undoUntil: undoUntil(now) };
  },
});

/**
 * Takes the switch back, within thirty days: each row has its id again, what was gone by it is here, the old system's edges go on. The new
 * system stays beside it; whom the school has withheld since is withheld in the old one too.
 * @throws CrosswalkError `not-found`, `approver-limited`, `state-forbids`, also after the thirty days; `sync-under-way`
 */
export const undoSwitch = defineVerb({
  name: 'replacement.undo',
  kind: 'command',
  access: [{ school: ['approver'] }],
  input: z.object({ schoolId: idSchema, replacementId: idSchema }),
  run: async ({ input, party, ...work }) => {
    const { ctx, tx } = work;
    const { schoolId } = input;
    const userId = userOf(work);
    const row = await lockReplacement(tx, input, 'switched');
    assertReachesBoth(party, row);
    const now = ctx.clock.now();
    if (row.switchedAt === null || undoUntil(row.switchedAt) <= now) {
      throw new CrosswalkError('state-forbids', { details: { problem: 'too-late' } });
    }
    await systemInSchool(tx, schoolId, row.oldSystemId);
    await clearRuns(work, row);
    await switchIdsBack(tx, row, row.switchedAt, now);
    await tx.update(systemReplacement).set({ state: 'undone', undoneAt: now }).where(eq(systemReplacement.id, row.id));
    const { carried } = await carryWithheld(work, { schoolId, from: row.newSystemId, to: row.oldSystemId, userId });
    const resumed = await resumePausedBy(work, schoolId, 'system-replaced');
    if (await mayBeAsked(work, { schoolId, systemId: row.oldSystemId })) {
      await requestRun(work, { schoolId, systemId: row.oldSystemId, trigger: 'hand', requestedBy: userId });
    }
    work.audit({
      action: 'replacement.undone',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, resumed, withheldCarried: carried },
    });
    return { resumed };
  },
});
