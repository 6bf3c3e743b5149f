import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { rosterUpload, rosterUploadChunk, syncRun } from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError, type ErrorCode, errorCodes, type SafeDetails } from '#server/kernel/errors.ts';
import { readAllowed } from './live-grants.ts';
import type { SyncPorts } from './ports.ts';
import { purgeBeyond } from './purge.ts';
import { type HeldRun, proveFence, type RunKey } from './run-lease.ts';
import { dropStaged, readDeviations } from './staging.ts';

/** Ends a run for which nothing is granted: nothing was asked; what nobody may have any more is purged, with a receipt. */
export async function endWithoutGrants(ctx: Context, run: HeldRun): Promise<void> {
  const now = ctx.clock.now();
  await ctx.database.withSchool(run.schoolId, async (tx) => {
    const [row] = await tx
      .select({ state: syncRun.state, fence: syncRun.fence })
      .from(syncRun)
      .where(and(eq(syncRun.id, run.syncRunId), eq(syncRun.schoolId, run.schoolId)));
    // An earlier attempt of the same step did it, and its answer was lost in a crash.
    if (row?.state === 'succeeded' && row.fence === run.fence) return;
    await proveFence(tx, run);
    const { toKeep, grants } = await readAllowed(tx, { ...run, now });
    // While an edge is paused its data rests.
    await purgeBeyond(tx, { ...run, scopes: toKeep, grants, sites: null, reason: 'nothing-granted', now });
    await dropStaged(tx, run);
    await tx
      .update(syncRun)
      .set({ state: 'succeeded', phase: 'announce', progress: {}, finishedAt: now, leaseUntil: null })
      .where(eq(syncRun.id, run.syncRunId));
  });
}

const detailsSchema = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
);
const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text);

/**
 * Ends a run that will not succeed. The cause is what the last slice noted on the run, else `code`. Does nothing to a run that has ended
 * or that another has taken over. As the sync role.
 */
export async function failRun(
  ctx: Context,
  ports: Pick<SyncPorts, 'onSyncFailed'>,
  run: RunKey & { readonly fence: number | null },
  code: string,
): Promise<void> {
  const now = ctx.clock.now();
  const error = await ctx.database.withSchool(run.schoolId, async (tx) => {
    const [row] = await tx
      .select()
      .from(syncRun)
      .where(and(eq(syncRun.id, run.syncRunId), eq(syncRun.systemId, run.systemId)))
      .for('update');
    // Failed already: the connection may not have heard of it before a crash.
    const isOurs = row !== undefined && ['running', 'queued', 'failed'].includes(row.state);
    if (!isOurs || (run.fence !== null && row.fence !== run.fence)) return null;
    const cause = [row.errorCode ?? code, code].find(isErrorCode) ?? 'internal';
    const parsed = detailsSchema.safeParse(row.errorDetails ?? {});
    const details: SafeDetails = parsed.success ? parsed.data : {};
    const deviations = await readDeviations(tx, run);
    await dropStaged(tx, run);
    await tx
      .update(syncRun)
      .set({
        state: 'failed',
        errorCode: cause,
        errorDetails: { ...details },
        deviations,
        finishedAt: now,
        leaseUntil: null,
      })
      .where(eq(syncRun.id, run.syncRunId));
    await refuseUpload(tx, row.uploadId, now);
    return new CrosswalkError(cause, { details });
  });
  if (error !== null) await ports.onSyncFailed(ctx, { ...run, error, at: now });
}

/** A package that could not be read is not kept: it is handed in anew once it is mended. */
async function refuseUpload(tx: Tx, uploadId: string | null, now: Date): Promise<void> {
  if (uploadId === null) return;
  await tx.update(rosterUpload).set({ state: 'refused', finishedAt: now }).where(eq(rosterUpload.id, uploadId));
  await tx.delete(rosterUploadChunk).where(eq(rosterUploadChunk.uploadId, uploadId));
}
