import { sql } from 'drizzle-orm';
import type { syncPhases } from '#db/schema/vocabulary.ts';
import type { Context } from '#server/kernel/context.ts';
import type { HeldRun } from './run-lease.ts';

export interface Progress {
  readonly phase: (typeof syncPhases)[number];
  readonly collection: string | null;
  readonly done: number;
  readonly total: number | null;
}

/** Tells how far a run is, in a transaction of its own: the one that applies ends only when all is done. As the sync role. */
export async function noteProgress(ctx: Context, run: HeldRun, progress: Progress): Promise<void> {
  const now = ctx.clock.now().toISOString();
  await ctx.database.inScope({ schoolId: run.schoolId }, (tx) =>
    tx.execute(sql`
      insert into sync_progress as p (sync_run_id, school_id, phase, collection, done, total, since, at)
      values (${run.syncRunId}::uuid, ${run.schoolId}::uuid, ${progress.phase}, ${progress.collection}, ${progress.done}, ${progress.total},
              ${now}::timestamptz, ${now}::timestamptz)
      on conflict (sync_run_id) do update
        set phase = excluded.phase, collection = excluded.collection, done = excluded.done, total = excluded.total, at = excluded.at,
            since = case when p.phase = excluded.phase and p.collection is not distinct from excluded.collection then p.since else excluded.since end`),
  );
}
