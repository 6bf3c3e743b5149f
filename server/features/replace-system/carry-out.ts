import { and, eq, inArray, isNotNull, or, sql } from 'drizzle-orm';
import { heldChange, request, syncRun, systemReplacement } from '#db/schema/index.ts';
import { advance, advanceIfAllowed } from '#server/features/connections/advance.ts';
import {
  lockConnectionsOf,
  openRequestOf,
  type SystemRow,
  systemInSchool,
} from '#server/features/connections/load-rows.ts';
import { resumePausedBy } from '#server/features/connections/stop-everything.ts';
import { settleAfterDiscard } from '#server/features/connections/sync-outcome.ts';
import { mayBeAsked } from '#server/features/withheld/withhold.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { runWork, type Work } from '#server/kernel/verb.ts';
import { requestRun } from '#server/roster/request-run.ts';
import { carryWithheld } from './carry-withheld.ts';
import { markOfLinks } from './links-mark.ts';
import { lockReplacementInAnyState, type ReplacementRow } from './load-replacement.ts';
import { allowLongStatements } from './propose-links.ts';
import { switchIds, switchIdsBack } from './swap-ids.ts';

export interface ReplacementKey {
  readonly schoolId: string;
  readonly replacementId: string;
}

/** What was done; `nothing` where an earlier attempt did it, or it is no longer wanted. */
export type CarriedOut = 'switched' | 'undone' | 'nothing';

/**
 * Does what an approver wants of a replacement: the switch or the way back. One transaction, which holds the rows of the replacement and of both
 * systems from its first statement on: a second attempt waits and finds it done, and whoever is killed leaves what was before. Tokens have
 * no part in it, but states of connections, requests and mail have: it works as the web role, in a job, with statements as long as they must be.
 */
export function carryOut(ctx: Context, { schoolId, replacementId }: ReplacementKey): Promise<CarriedOut> {
  return runWork(ctx, { schoolId }, async (work) => {
    await allowLongStatements(work.tx);
    const row = await lockReplacementInAnyState(work.tx, { schoolId, replacementId });
    if (row.state === 'switching') await carryOutSwitch(work, row);
    else if (row.state === 'undoing') await carryOutUndo(work, row);
    else return 'nothing';
    return row.state === 'switching' ? 'switched' : 'undone';
  });
}

/** What is wanted cannot be done: the replacement stands where it stood before, and says why. */
export function giveBack(ctx: Context, { schoolId, replacementId }: ReplacementKey, code: string): Promise<void> {
  return runWork(ctx, { schoolId }, async (work) => {
    const row = await lockReplacementInAnyState(work.tx, { schoolId, replacementId });
    const { state } = row;
    if (state !== 'switching' && state !== 'undoing') return;
    await work.tx
      .update(systemReplacement)
      .set({
        ...(state === 'switching' ? { state: 'reviewing', approvedBy: null } : { state: 'switched', undoneBy: null }),
        failedCode: code,
        failedAt: work.ctx.clock.now(),
      })
      .where(eq(systemReplacement.id, row.id));
    await wakeRuns(work, row);
    work.audit({
      action: state === 'switching' ? 'replacement.switch-failed' : 'replacement.undo-failed',
      subjectKind: 'system',
      subjectId: row.oldSystemId,
      details: { replacementId: row.id, code },
    });
  });
}

/**
 * From this moment the new system stands in the old one's place. Who is linked keeps the Crosswalk id; who is not is gone, or new. The old
 * system's edges rest; those of the new one are what was approved for it, each on its own.
 */
async function carryOutSwitch(work: Work, row: ReplacementRow): Promise<void> {
  const { ctx, tx } = work;
  const { schoolId, oldSystemId: from, newSystemId: to } = row;
  const oldSystem = await systemInSchool(tx, schoolId, from);
  await systemInSchool(tx, schoolId, to);
  await clearRuns(work, row);
  await carryWithheld(work, { schoolId, from, to, userId: decidedBy(row.approvedBy) });
  const now = ctx.clock.now();
  await switchIds(tx, row, now);
  const { confirmed } = await markOfLinks(tx, row);
  const paused = await restConnections(work, schoolId, oldSystem);
  await tx
    .update(systemReplacement)
    .set({ state: 'switched', switchedAt: now })
    .where(eq(systemReplacement.id, row.id));
  // The old system is no longer asked.
  await tx
    .update(syncRun)
    .set({ state: 'discarded', finishedAt: now })
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, from), eq(syncRun.state, 'queued')));
  await wakeRuns(work, row);
  work.audit({
    action: 'replacement.switched',
    subjectKind: 'system',
    subjectId: from,
    details: { replacementId: row.id, newSystemId: to, links: confirmed, paused },
  });
}

/** Each row has its id again, what was gone by the switch is here, the old system's edges go on. */
async function carryOutUndo(work: Work, row: ReplacementRow): Promise<void> {
  const { ctx, tx } = work;
  const { schoolId, oldSystemId, newSystemId, switchedAt } = row;
  if (switchedAt === null) throw new CrosswalkError('internal', { details: { problem: 'never-switched' } });
  const userId = decidedBy(row.undoneBy);
  await systemInSchool(tx, schoolId, oldSystemId);
  await clearRuns(work, row);
  const now = ctx.clock.now();
  await switchIdsBack(tx, row, switchedAt, now);
  await tx.update(systemReplacement).set({ state: 'undone', undoneAt: now }).where(eq(systemReplacement.id, row.id));
  await wakeRuns(work, row);
  const { carried } = await carryWithheld(work, { schoolId, from: newSystemId, to: oldSystemId, userId });
  const resumed = await resumePausedBy(work, schoolId, 'system-replaced');
  if (await mayBeAsked(work, { schoolId, systemId: oldSystemId })) {
    await requestRun(work, { schoolId, systemId: oldSystemId, trigger: 'hand', requestedBy: userId });
  }
  work.audit({
    action: 'replacement.undone',
    subjectKind: 'system',
    subjectId: oldSystemId,
    details: { replacementId: row.id, resumed, withheldCarried: carried },
  });
}

function decidedBy(userId: string | null): string {
  if (userId === null) throw new CrosswalkError('internal', { details: { problem: 'nobody-decided' } });
  return userId;
}

const ofBoth = ({ schoolId, oldSystemId, newSystemId }: ReplacementRow) =>
  and(eq(syncRun.schoolId, schoolId), inArray(syncRun.systemId, [oldSystemId, newSystemId]));

/**
 * No run that has begun is applied afterwards: its plan speaks of ids that are no more. One that is being applied is waited for. A run that was
 * only asked for begins when all this is over.
 */
async function clearRuns(work: Work, row: ReplacementRow): Promise<void> {
  const { ctx, tx } = work;
  const { schoolId, oldSystemId, newSystemId } = row;
  const begun = await tx
    .update(syncRun)
    .set({ state: 'discarded', held: null, finishedAt: ctx.clock.now() })
    .where(
      and(
        ofBoth(row),
        or(
          inArray(syncRun.state, ['held', 'running']),
          and(eq(syncRun.state, 'queued'), isNotNull(syncRun.approvedFingerprint)),
        ),
      ),
    )
    .returning({ id: syncRun.id });
  for (const { id } of begun) {
    await tx.delete(heldChange).where(and(eq(heldChange.schoolId, schoolId), eq(heldChange.syncRunId, id)));
    await tx.execute(sql`select across.close_staging(${id}::uuid)`);
  }
  for (const systemId of [oldSystemId, newSystemId]) await settleAfterDiscard(work, schoolId, systemId);
}

/** Runs that were asked for meanwhile, and did not begin, do. */
async function wakeRuns(work: Work, row: ReplacementRow): Promise<void> {
  const waiting = await work.tx
    .select({ schoolId: syncRun.schoolId, systemId: syncRun.systemId, syncRunId: syncRun.id })
    .from(syncRun)
    .where(and(ofBoth(row), eq(syncRun.state, 'queued')));
  for (const run of waiting) await work.emit('sync/requested', run);
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
