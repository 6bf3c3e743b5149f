import { and, eq, inArray } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { syncProgress, type syncRun } from '#db/schema/index.ts';
import type { SyncKind, syncPhases, syncStates, syncTriggers } from '#db/schema/vocabulary.ts';
import { isRosterCollection, type RosterCollection, rosterCollections } from '#server/roster/collections.ts';

/** Counts of one collection in a run; null while they are not known. */
export interface CollectionCounts {
  readonly collection: RosterCollection;
  readonly fetched: number | null;
  readonly total: number | null;
  readonly added: number | null;
  readonly changed: number | null;
  readonly returned: number | null;
  readonly unchanged: number | null;
  readonly missing: number | null;
  readonly gone: number | null;
  readonly setAside: number | null;
  /** Whether the fetch was complete, so that absence means something. */
  readonly complete: boolean | null;
}

const progressSchema = z.record(z.string(), z.record(z.string(), z.number().nullable()));

/** The stored progress as a list in the order in which collections are read. */
export function countsOf(progress: unknown): CollectionCounts[] {
  const parsed = progressSchema.safeParse(progress);
  if (!parsed.success) return [];
  return rosterCollections.flatMap((collection) => {
    const row = parsed.data[collection];
    if (row === undefined) return [];
    const read = (name: string) => row[name] ?? null;
    const complete = read('complete');
    return {
      collection,
      fetched: read('fetched'),
      total: read('total'),
      added: read('added'),
      changed: read('changed'),
      returned: read('returned'),
      unchanged: read('unchanged'),
      missing: read('missing'),
      gone: read('gone'),
      setAside: read('setAside'),
      complete: complete === null ? null : complete === 1,
    };
  });
}

/** How far the phase is that a run is in. */
export interface LiveProgress {
  readonly phase: (typeof syncPhases)[number];
  /** `people`: of every kind, which rest in one table. */
  readonly collection: RosterCollection | 'people' | null;
  readonly done: number;
  /** Null: not known. */
  readonly total: number | null;
}

export interface RunView {
  readonly syncRunId: string;
  readonly systemId: string;
  readonly trigger: (typeof syncTriggers)[number];
  readonly kind: SyncKind;
  /** Read from a package instead of asking the system. */
  readonly imported: boolean;
  readonly state: (typeof syncStates)[number];
  readonly phase: (typeof syncPhases)[number] | null;
  readonly counts: readonly CollectionCounts[];
  /** Records fetched so far. */
  readonly fetched: number;
  /** Null unless it runs and has told of the phase that it is in. */
  readonly live: LiveProgress | null;
  /** Records a second in this phase; null before there is a second to tell of. */
  readonly rate: number | null;
  /** Seconds that this phase will take by that rate, where the total is known; null else. */
  readonly secondsLeft: number | null;
  readonly appliedAs: 'all' | 'additions' | null;
  /** Records that a full run found otherwise than the deltas before it had left them; null where it proved none. */
  readonly drift: number | null;
  /** The run that compared the package which this one brought again, so that nothing was compared; null: it was. */
  readonly sameAs: string | null;
  readonly undoneAt: Date | null;
  readonly errorCode: string | null;
  readonly errorDetails: Readonly<Record<string, unknown>> | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

type Row = Pick<
  typeof syncRun.$inferSelect,
  | 'id'
  | 'systemId'
  | 'trigger'
  | 'kind'
  | 'uploadId'
  | 'state'
  | 'phase'
  | 'progress'
  | 'appliedAs'
  | 'drift'
  | 'sameAs'
  | 'undoneAt'
  | 'errorCode'
  | 'errorDetails'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
>;

type Told = Pick<typeof syncProgress.$inferSelect, 'phase' | 'collection' | 'done' | 'total' | 'since' | 'at'>;

/** What running runs last told of themselves, by run. */
export async function readLive(
  tx: Tx,
  schoolId: string,
  runs: readonly Pick<Row, 'id' | 'state'>[],
): Promise<ReadonlyMap<string, Told>> {
  const ids = runs.filter(({ state }) => state === 'running').map(({ id }) => id);
  if (ids.length === 0) return new Map();
  const rows = await tx
    .select()
    .from(syncProgress)
    .where(and(eq(syncProgress.schoolId, schoolId), inArray(syncProgress.syncRunId, ids)));
  return new Map(rows.map((row) => [row.syncRunId, row]));
}

/** A run as a page shows it. Pure. */
export function viewOf(row: Row, now: Date, told: Told | undefined = undefined): RunView {
  const counts = countsOf(row.progress);
  const fetched = counts.reduce((sum, { fetched: n }) => sum + (n ?? 0), 0);
  const isRunning = row.state === 'running';
  const live: LiveProgress | null =
    isRunning && told !== undefined
      ? {
          phase: told.phase,
          collection: nameOf(told.collection),
          done: told.done,
          total: told.total,
        }
      : null;
  const { rate, left } =
    told === undefined || live === null
      ? fetching(row, counts, fetched, now)
      : {
          rate: perSecond(live.done, told.since, told.at),
          left: live.total === null ? 0 : Math.max(0, live.total - live.done),
        };
  return {
    syncRunId: row.id,
    systemId: row.systemId,
    trigger: row.trigger,
    kind: row.kind,
    imported: row.uploadId !== null,
    state: row.state,
    phase: live?.phase ?? row.phase,
    counts,
    fetched,
    live,
    rate: rate === null ? null : Math.round(rate),
    secondsLeft: rate === null || left === 0 ? null : Math.ceil(left / rate),
    appliedAs: row.appliedAs,
    drift: row.drift,
    sameAs: row.sameAs,
    undoneAt: row.undoneAt,
    errorCode: row.errorCode,
    errorDetails: row.errorDetails,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}

const nameOf = (collection: string | null): LiveProgress['collection'] =>
  collection !== null && (collection === 'people' || isRosterCollection(collection)) ? collection : null;

const perSecond = (done: number, since: Date, until: Date): number | null => {
  const seconds = (until.getTime() - since.getTime()) / 1000;
  return seconds >= 1 && done > 0 ? done / seconds : null;
};

/** Rate and what is left by the counts alone, of a run that has not told more yet. */
function fetching(row: Row, counts: readonly CollectionCounts[], fetched: number, now: Date) {
  const isFetching = row.state === 'running' && row.phase === 'fetch' && row.startedAt !== null;
  return {
    rate: isFetching && row.startedAt !== null ? perSecond(fetched, row.startedAt, now) : null,
    left: counts.reduce((sum, { fetched: n, total }) => sum + Math.max(0, (total ?? 0) - (n ?? 0)), 0),
  };
}
