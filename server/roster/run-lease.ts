import { and, eq, sql } from 'drizzle-orm';
import type postgres from 'postgres';
import type { Tx } from '#db/client.ts';
import { syncRun } from '#db/schema/index.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

export interface RunKey {
  readonly schoolId: string;
  readonly systemId: string;
  readonly syncRunId: string;
}

/** A run with the fencing number of whoever works on it. A later holder has a higher one, and the earlier writes nothing more. */
export interface HeldRun extends RunKey {
  readonly fence: number;
}

/** Longer than any step; a run whose lease has lapsed is abandoned and joined by nobody. */
export const leaseMs = 5 * 60_000;

const lost = (run: RunKey) =>
  new CrosswalkError('state-forbids', { details: { problem: 'lease-lost', syncRunId: run.syncRunId } });

/** Locks the run's row and proves, in the caller's transaction, that nobody has taken the run over. @throws `state-forbids` */
export async function proveFence(tx: Tx, run: HeldRun): Promise<void> {
  const [row] = await tx
    .select({ fence: syncRun.fence, state: syncRun.state })
    .from(syncRun)
    .where(and(eq(syncRun.id, run.syncRunId), eq(syncRun.schoolId, run.schoolId)))
    // Progress is noted beside this transaction and refers to the row: only writers of it wait.
    .for('no key update');
  if (row === undefined || row.fence !== run.fence || row.state !== 'running') throw lost(run);
}

/** Prolongs the lease and, in the same breath, proves it; other columns of the run may change with it. */
export async function prolong(
  tx: Tx,
  run: HeldRun,
  now: Date,
  columns: Partial<Pick<typeof syncRun.$inferInsert, 'phase' | 'errorCode' | 'errorDetails'>> & {
    readonly progressOf?: { readonly collection: string; readonly counts: Readonly<Record<string, number | null>> };
  } = {},
): Promise<void> {
  const { progressOf, ...set } = columns;
  const rows = await tx
    .update(syncRun)
    .set({
      ...set,
      leaseUntil: new Date(now.getTime() + leaseMs),
      ...(progressOf === undefined
        ? {}
        : {
            progress: sql`${syncRun.progress} || ${JSON.stringify({ [progressOf.collection]: progressOf.counts })}::jsonb`,
          }),
    })
    .where(
      and(
        eq(syncRun.id, run.syncRunId),
        eq(syncRun.schoolId, run.schoolId),
        eq(syncRun.fence, run.fence),
        eq(syncRun.state, 'running'),
      ),
    )
    .returning({ id: syncRun.id });
  if (rows.length === 0) throw lost(run);
}

/** The same in a transaction of the driver, in which rows are copied. */
export async function prolongByDriver(tx: postgres.TransactionSql, run: HeldRun, now: Date): Promise<void> {
  const until = new Date(now.getTime() + leaseMs).toISOString();
  const rows = await tx`
    update sync_run set lease_until = ${until}
     where id = ${run.syncRunId} and school_id = ${run.schoolId} and fence = ${run.fence} and state = 'running' returning id`;
  if (rows.length === 0) throw lost(run);
}
