import { and, eq, inArray, isNull, lte, ne, or } from 'drizzle-orm';
import { school, syncRun, system } from '#db/schema/index.ts';
import type { Collection } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { readAllowed } from './live-grants.ts';
import { leaseMs, type RunKey } from './run-lease.ts';
import { dropStaged } from './staging.ts';

/** What is to be done for a run. Ids, words and numbers only: it rests in the queue's tables. */
export type Begun =
  /** Ended or decided already: nothing. */
  | { readonly kind: 'over' }
  /** Nothing is granted: nothing is fetched, and what rests here is purged. */
  | { readonly kind: 'nothing-granted'; readonly fence: number }
  /** Held before and now approved: what is staged is applied. */
  | { readonly kind: 'approved'; readonly fence: number; readonly collections: readonly Collection[] }
  | { readonly kind: 'fetch'; readonly fence: number; readonly collections: readonly Collection[] };

/**
 * Takes a run: state, fence, lease, and the union of the live grants as it stands now, which is all that this run will ask for.
 * As the sync role. Taking it again (a repeated step) gives a new fence.
 */
export async function beginRun(ctx: Context, run: RunKey): Promise<Begun> {
  const now = ctx.clock.now();
  return ctx.database.withSchool(run.schoolId, async (tx) => {
    const [row] = await tx
      .select()
      .from(syncRun)
      .where(and(eq(syncRun.id, run.syncRunId), eq(syncRun.systemId, run.systemId)))
      .for('update');
    if (row === undefined) throw new CrosswalkError('not-found', { details: { syncRunId: run.syncRunId } });
    if (row.state !== 'queued' && row.state !== 'running') {
      if (row.state === 'discarded') await dropStaged(tx, run);
      return { kind: 'over' };
    }
    const [of] = await tx
      .select({ connector: system.connector, removedAt: system.removedAt, stoppedAt: school.stoppedAt })
      .from(system)
      .innerJoin(school, eq(school.id, system.schoolId))
      .where(eq(system.id, run.systemId));
    if (of === undefined) throw new CrosswalkError('not-found', { details: { systemId: run.systemId } });
    const allowed = await readAllowed(tx, { ...run, now });
    const isStopped = of.stoppedAt !== null || of.removedAt !== null;
    const scopes = isStopped ? [] : allowed.toFetch;
    const fence = row.fence + 1;
    const isApproved = row.approvedFingerprint !== null;
    await tx
      .update(syncRun)
      .set({
        state: 'running',
        phase: isApproved ? 'plan' : 'fetch',
        fence,
        leaseUntil: new Date(now.getTime() + leaseMs),
        startedAt: row.startedAt ?? now,
        scopes: [...scopes],
        errorCode: null,
        errorDetails: null,
        ...(isApproved ? {} : { progress: {} }),
      })
      .where(eq(syncRun.id, run.syncRunId));
    await supersedeOthers();
    if (scopes.length === 0) return { kind: 'nothing-granted', fence };
    const collections = connectorById(of.connector).collectionsFor(scopes);
    if (isApproved) return { kind: 'approved', fence, collections };
    await dropStaged(tx, run);
    return { kind: 'fetch', fence, collections };

    /** A run that waits for a verdict on older data, or that nobody works on any more, is over now. */
    async function supersedeOthers() {
      const others = await tx
        .update(syncRun)
        .set({ state: 'discarded', finishedAt: now })
        .where(
          and(
            eq(syncRun.systemId, run.systemId),
            ne(syncRun.id, run.syncRunId),
            or(
              eq(syncRun.state, 'held'),
              and(inArray(syncRun.state, ['running']), or(isNull(syncRun.leaseUntil), lte(syncRun.leaseUntil, now))),
            ),
          ),
        )
        .returning({ id: syncRun.id });
      for (const other of others) await dropStaged(tx, { schoolId: run.schoolId, syncRunId: other.id });
    }
  });
}
