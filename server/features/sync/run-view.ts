import { z } from 'zod';
import type { syncRun } from '#db/schema/index.ts';
import type { syncPhases, syncStates, syncTriggers } from '#db/schema/vocabulary.ts';
import { type RosterCollection, rosterCollections } from '#server/roster/collections.ts';

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

export interface RunView {
  readonly syncRunId: string;
  readonly systemId: string;
  readonly trigger: (typeof syncTriggers)[number];
  readonly state: (typeof syncStates)[number];
  readonly phase: (typeof syncPhases)[number] | null;
  readonly counts: readonly CollectionCounts[];
  /** Records fetched so far. */
  readonly fetched: number;
  /** Records a second while it runs; null before there is a second to tell of. */
  readonly rate: number | null;
  /** Seconds that fetching will take by that rate, where the totals of what is being read are known; null else. */
  readonly secondsLeft: number | null;
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
  | 'state'
  | 'phase'
  | 'progress'
  | 'errorCode'
  | 'errorDetails'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
>;

/** A run as a page shows it. Pure. */
export function viewOf(row: Row, now: Date): RunView {
  const counts = countsOf(row.progress);
  const fetched = counts.reduce((sum, { fetched: n }) => sum + (n ?? 0), 0);
  const isRunning = row.state === 'running';
  const seconds = row.startedAt === null ? 0 : ((row.finishedAt ?? now).getTime() - row.startedAt.getTime()) / 1000;
  const rate = isRunning && row.phase === 'fetch' && seconds >= 1 && fetched > 0 ? fetched / seconds : null;
  const left = counts.reduce((sum, { fetched: n, total }) => sum + Math.max(0, (total ?? 0) - (n ?? 0)), 0);
  return {
    syncRunId: row.id,
    systemId: row.systemId,
    trigger: row.trigger,
    state: row.state,
    phase: row.phase,
    counts,
    fetched,
    rate: rate === null ? null : Math.round(rate),
    secondsLeft: rate === null || left === 0 ? null : Math.ceil(left / rate),
    errorCode: row.errorCode,
    errorDetails: row.errorDetails,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    finishedAt: row.finishedAt,
  };
}
