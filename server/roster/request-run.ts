import { and, desc, eq, gt, inArray, isNull, notInArray, or, sql } from 'drizzle-orm';
import { rosterUpload, syncRun, system } from '#db/schema/index.ts';
import type { SyncTrigger } from '#db/schema/vocabulary.ts';
import { connectorById } from '#server/connectors/registry.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';

export interface RequestedRun {
  readonly syncRunId: string;
  /** True where the request joined a run that was there already. */
  readonly joined: boolean;
}

/**
 * Asks for a sync of a system in the caller's transaction. A run that is queued is joined, since it will see the grants as they
 * are then; one that is running is joined too, unless the grants have just changed (`first`, `amended`): it began under the
 * old ones. A running one whose lease has lapsed counts for nothing. Of a source that is not asked, the newest package that waits is read; a
 * run without any ends with `package-awaited`.
 */
export async function requestRun(
  work: Work,
  wanted: {
    schoolId: string;
    systemId: string;
    trigger: SyncTrigger;
    requestedBy?: string | null;
    /** A package that was handed in: read by a run of its own. */
    uploadId?: string;
  },
): Promise<RequestedRun> {
  const { schoolId, systemId, trigger } = wanted;
  const now = work.ctx.clock.now();
  // One at a time per system, so that two requests cannot both find nothing.
  await work.tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${systemId}, 11))`);
  const uploadId = wanted.uploadId ?? (await packageThatWaits(work, wanted));
  const grantsChanged = trigger === 'first' || trigger === 'amended';
  const [current] = await work.tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        uploadId === null ? isNull(syncRun.uploadId) : eq(syncRun.uploadId, uploadId),
        // An undo reads nothing.
        isNull(syncRun.undoOf),
        grantsChanged
          ? eq(syncRun.state, 'queued')
          : or(eq(syncRun.state, 'queued'), and(eq(syncRun.state, 'running'), gt(syncRun.leaseUntil, now))),
      ),
    )
    // A queued run sees more than a running one.
    .orderBy(desc(inArray(syncRun.state, ['queued'])), desc(syncRun.createdAt))
    .limit(1);
  if (current !== undefined) return { syncRunId: current.id, joined: true };
  const syncRunId = newId();
  await work.tx.insert(syncRun).values({
    id: syncRunId,
    schoolId,
    systemId,
    trigger,
    state: 'queued',
    uploadId,
    requestedBy: wanted.requestedBy ?? null,
    createdAt: now,
  });
  await work.emit('sync/requested', { schoolId, systemId, syncRunId });
  return { syncRunId, joined: false };
}

/** The newest package of a source that is not asked, where it has been neither read nor decided about. */
export async function packageThatWaits(
  { tx }: Pick<Work, 'tx'>,
  { schoolId, systemId }: { readonly schoolId: string; readonly systemId: string },
): Promise<string | null> {
  const [of] = await tx
    .select({ connector: system.connector })
    .from(system)
    .where(and(eq(system.id, systemId), eq(system.schoolId, schoolId)));
  if (of === undefined || connectorById(of.connector).source !== 'handed-in') return null;
  const decided = tx
    .select({ id: syncRun.uploadId })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        inArray(syncRun.state, ['held', 'discarded', 'failed']),
        sql`${syncRun.uploadId} is not null`,
      ),
    );
  const [upload] = await tx
    .select({ id: rosterUpload.id })
    .from(rosterUpload)
    .where(
      and(
        eq(rosterUpload.schoolId, schoolId),
        eq(rosterUpload.systemId, systemId),
        eq(rosterUpload.state, 'waiting'),
        notInArray(rosterUpload.id, decided),
      ),
    )
    .orderBy(desc(rosterUpload.createdAt))
    .limit(1);
  return upload?.id ?? null;
}
