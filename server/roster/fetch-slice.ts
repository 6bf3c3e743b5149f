import { and, eq } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { rosterFetch, syncRun } from '#db/schema/index.ts';
import { isScope } from '#db/schema/vocabulary.ts';
import type { Collection } from '#server/connectors/contract.ts';
import { deltaDeviations } from '#server/connectors/exchange/deviations.ts';
import type { Context } from '#server/kernel/context.ts';
import { isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { readAllowed } from './live-grants.ts';
import type { SyncPorts } from './ports.ts';
import { type HeldRun, prolong, prolongByDriver } from './run-lease.ts';
import { stagePage } from './stage-page.ts';
import { copyPage, dropStaged, readStagedSoFar } from './staging.ts';

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
  /** The system does not tell what was modified since a moment: the run begins again and reads all. */
  readonly readAll?: true;
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
  from: {
    readonly collection: Collection;
    readonly cursor: string | null;
    readonly page: number;
    readonly since?: string | null;
  },
): Promise<Slice> {
  const { collection } = from;
  const inSchool = ctx.database.withSchool;
  const started = performance.now();
  let noted = Number.NEGATIVE_INFINITY;
  let at: Slice = { cursor: from.cursor, page: from.page, waitSeconds: null };
  let fetched = 0;
  try {
    const begun = await inSchool(run.schoolId, async (tx) => {
      await prolong(tx, run, ctx.clock.now(), { phase: 'fetch' });
      const [row] = await tx.select({ scopes: syncRun.scopes }).from(syncRun).where(eq(syncRun.id, run.syncRunId));
      const begunWith = row?.scopes ?? [];
      if (await discardIfStale(tx, run, begunWith, ctx.clock.now())) return null;
      return { scopes: begunWith, soFar: await readStagedSoFar(tx, run, collection) };
    });
    if (begun === null) return { ...at, cursor: null, isStale: true };
    const { scopes, soFar } = begun;
    fetched = soFar.rows;
    // An earlier attempt of this slice was cut off: what it staged is staged, and is not asked for again.
    if (soFar.pages > from.page) {
      at = { cursor: soFar.isOver ? null : soFar.cursor, page: soFar.pages, waitSeconds: null };
      if (at.cursor === null) return at;
    }
    return await ports.withSession(ctx, { ...run, purpose: 'sync' }, async (connector) => {
      const options = {
        since: from.since === undefined || from.since === null ? null : new Date(from.since),
        scopes: scopes.filter(isScope),
      };
      const isOver = () => performance.now() - started > sliceMs;
      for await (const page of oneAhead(connector.fetch(collection, at.cursor, options), isOver)) {
        const { rows, staged, cut } = stagePage(page, scopes);
        fetched += staged + cut + page.cut + page.setAside.length;
        const isDue = performance.now() - noted >= progressEveryMs || page.cursor === null;
        const number = at.page;
        await copyPage(ctx.database, run, {
          rows,
          aside: () => page.setAside,
          facts: () => ({
            collection,
            number,
            rows: staged + cut + page.cut,
            setAside: page.setAside.length,
            total: page.total,
            cursor: page.cursor,
            ended: page.end,
            deviations: page.deviations,
          }),
          prove: (tx) => prolongByDriver(tx, run, ctx.clock.now()),
        });
        if (isDue) {
          const counts = { fetched, total: page.total };
          await inSchool(run.schoolId, (tx) =>
            prolong(tx, run, ctx.clock.now(), { progressOf: { collection, counts } }),
          );
          noted = performance.now();
        }
        at = { cursor: page.cursor, page: number + 1, waitSeconds: null };
        if (options.since !== null && page.deviations.some(isDeltaDeviation)) {
          await inSchool(run.schoolId, (tx) => forgetCursors(tx, run));
          return { ...at, cursor: null, readAll: true };
        }
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

/**
 * Pages in order, each next one asked for while the one before is worked on: the system over there and our own database take turns else. Still
 * one question at a time. Ends behind the page during which the time is over; what fails ahead is thrown when its turn comes.
 */
async function* oneAhead<P extends { readonly cursor: string | null }>(
  pages: AsyncIterable<P>,
  isOver: () => boolean,
): AsyncGenerator<P> {
  const all = pages[Symbol.asyncIterator]();
  const ask = () => {
    const coming = all.next();
    // Looked at when its turn comes, or let go with the rest.
    coming.catch(() => undefined);
    return coming;
  };
  try {
    let coming: ReturnType<typeof ask> | null = ask();
    while (coming !== null) {
      const page: IteratorResult<P> = await coming;
      if (page.done === true) return;
      coming = page.value.cursor === null || isOver() ? null : ask();
      yield page.value;
    }
  } finally {
    await all.return?.();
  }
}

const isDeltaDeviation = (key: string) => deltaDeviations.some((known) => known === key);

/** Without a cursor the next run, or this one begun again, is a full one. */
async function forgetCursors(tx: Tx, run: HeldRun): Promise<void> {
  await tx
    .update(rosterFetch)
    .set({ modifiedUntil: null })
    .where(and(eq(rosterFetch.schoolId, run.schoolId), eq(rosterFetch.systemId, run.systemId)));
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
