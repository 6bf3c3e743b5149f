import { and, eq } from 'drizzle-orm';
import { syncRun } from '#db/schema/index.ts';
import type { SyncTrigger } from '#db/schema/vocabulary.ts';
import { newId } from '#server/kernel/ids.ts';
import type { Work } from '#server/kernel/verb.ts';

/**
 * Asks for a sync of the system: a run that is queued already is joined, since it has fetched nothing yet and will see
 * the grants as they are then.
 * @returns the run's id
 */
export async function requestSync(
  work: Work,
  wanted: { schoolId: string; systemId: string; trigger: SyncTrigger; requestedBy?: string | null },
): Promise<string> {
  const { schoolId, systemId, trigger } = wanted;
  const [queued] = await work.tx
    .select({ id: syncRun.id })
    .from(syncRun)
    .where(and(eq(syncRun.schoolId, schoolId), eq(syncRun.systemId, systemId), eq(syncRun.state, 'queued')))
    .limit(1);
  if (queued !== undefined) return queued.id;
  const syncRunId = newId();
  await work.tx.insert(syncRun).values({
    id: syncRunId,
    schoolId,
    systemId,
    trigger,
    state: 'queued',
    requestedBy: wanted.requestedBy ?? null,
    createdAt: work.ctx.clock.now(),
  });
  await work.emit('sync/requested', { schoolId, systemId, syncRunId });
  return syncRunId;
}
