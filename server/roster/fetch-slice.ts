import { eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { syncRun } from '#db/schema/index.ts';
import type { Collection } from '#server/connectors/contract.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { readAllowed } from './live-grants.ts';
import type { SyncPorts } from './ports.ts';
import { type HeldRun, prolong } from './run-lease.ts';
import { dropStaged, readFetches, writePage } from './staging.ts';

/** Where a fetch stands after a slice; small, and free of personal data. */
export interface Slice {
  /** Give it to the next slice; null when the collection is through. */
  readonly cursor: string | null;
  /** Number of the next page. */
  readonly page: number;
  /** Seconds that the system asks us to wait before the next slice. */
  readonly waitSeconds: number | null;
  /** The grants have shrunk since the run began: it was discarded, nothing more is asked. */
  readonly isStale?: true;
}

/** A slice takes no further page after this; with the longest call it stays under a minute. */
const sliceMs = 25_000;
const progressEveryMs = 1_000;

/**
 * Fetches pages of one collection for about 25 seconds and stages them. As the sync role. What went wrong is noted on the run, since
 * a queue carries only its code.
 */
export async function fetchSlice(
  ctx: Context,
  ports: Pick<SyncPorts, 'withSession'>,
  run: HeldRun,
  from: { readonly collection: Collection; readonly cursor: string | null; readonly page: number },
): Promise<Slice> {
  const { collection } = from;
  const inSchool = ctx.database.withSchool;
  const started = performance.now();
  let noted = Number.NEGATIVE_INFINITY;
  let at: Slice = { cursor: from.cursor, page: from.page, waitSeconds: null };
  let fetched = 0;
  try {
    const scopes = await inSchool(run.schoolId, async (tx) => {
      await prolong(tx, run, ctx.clock.now(), { phase: 'fetch' });
      const [row] = await tx.select({ scopes: syncRun.scopes }).from(syncRun).where(eq(syncRun.id, run.syncRunId));
      const begunWith = row?.scopes ?? [];
      if (await discardIfStale(tx, run, begunWith, ctx.clock.now())) return null;
      fetched = (await readFetches(tx, run)).find((facts) => facts.collection === collection)?.read ?? 0;
      return begunWith;
    });
    if (scopes === null) return { ...at, cursor: null, isStale: true };
    return await ports.withSession(ctx, { ...run, purpose: 'sync' }, async (connector) => {
      for await (const page of connector.fetch(collection, from.cursor)) {
        fetched += page.records.length + page.setAside.length;
        const isDue = performance.now() - noted >= progressEveryMs || page.cursor === null;
        await inSchool(run.schoolId, async (tx) => {
          await writePage(tx, run, { page, number: at.page, scopes });
          const counts = { fetched, total: page.total };
          await prolong(tx, run, ctx.clock.now(), isDue ? { progressOf: { collection, counts } } : {});
        });
        if (isDue) noted = performance.now();
        at = { cursor: page.cursor, page: at.page + 1, waitSeconds: null };
        if (page.cursor === null || performance.now() - started > sliceMs) break;
      }
      return at;
    });
  } catch (error) {
    const ours = toCrosswalkError(error);
    if (isCrosswalkError(error, 'foreign-throttled') && at.page > from.page) {
      // What came before the refusal is staged: the next slice goes on behind it.
      return { ...at, waitSeconds: error.retryAfterSeconds ?? 30 };
    }
    if (ours.details.problem !== 'lease-lost') {
      await inSchool(run.schoolId, (tx) =>
        prolong(tx, run, ctx.clock.now(), { errorCode: ours.code, errorDetails: { ...ours.details } }),
      );
    }
    throw ours;
  }
}

/** Ends a run under whose scopes nothing more may be asked; whoever narrowed the grants has requested another. */
async function discardIfStale(tx: Tx, run: HeldRun, begunWith: readonly string[], now: Date): Promise<boolean> {
  const { toFetch } = await readAllowed(tx, { ...run, now });
  if (begunWith.every((scope) => toFetch.some((may) => may === scope))) return false;
  await tx
    .update(syncRun)
    .set({ state: 'discarded', finishedAt: now, leaseUntil: null })
    .where(eq(syncRun.id, run.syncRunId));
  await dropStaged(tx, run);
  return true;
}
