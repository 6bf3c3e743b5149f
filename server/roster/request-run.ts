import { and, desc, eq, gt, inArray, isNull, or, sql } from 'drizzle-orm';
import { syncRun } from '#db/schema/index.ts';
import type { SyncTrigger } from '#db/schema/vocabulary.ts';
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
 * old ones. A running one whose lease has lapsed counts for nothing.
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
  const uploadId = wanted.uploadId ?? null;
  const grantsChanged = trigger === 'first' || trigger === 'amended';
  const [current] = await work.tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(
      and(
        eq(syncRun.schoolId, schoolId),
        eq(syncRun.systemId, systemId),
        uploadId === null ? isNull(syncRun.uploadId) : sql`false`,
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
