import { and, desc, eq, inArray, isNull, lte, ne, or } from 'drizzle-orm';
import type { Tx } from '#db/client.ts';
import { rosterFetch, school, syncRun, syncSettings, system, systemReplacement } from '#db/schema/index.ts';
import { movingReplacementStates, type Scope } from '#db/schema/vocabulary.ts';
import type { Collection } from '#server/connectors/contract.ts';
import { connectorById } from '#server/connectors/registry.ts';
import type { StagedTable } from '#server/connectors/staged-columns.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { collectionsKept, stagedIn, tablesKept } from './collections.ts';
import { readAllowed } from './live-grants.ts';
import { purgeBeyond } from './purge.ts';
import { leaseMs, type RunKey } from './run-lease.ts';
import { dropStaged, isStaged, openStaging, readFetches } from './staging.ts';

/** What a run is to read, and how. Words, dates and ids only: it rests in the queue's tables. */
export interface ToFetch {
  /** As the connector names them; of a package none: its manifest tells. */
  readonly collections: readonly Collection[];
  readonly tables: readonly StagedTable[];
  readonly kind: 'full' | 'delta';
  /** A package tells of everything at once, a list may move while it is read. */
  readonly source: 'rest' | 'package';
  /** In a delta: from when on a collection is asked for what was modified; the others are read whole. */
  readonly since: Readonly<Partial<Record<Collection, string>>>;
  /** The package that is read instead. */
  readonly uploadId: string | null;
}

/** What is to be done for a run. Ids, words and numbers only: it rests in the queue's tables. */
export type Begun =
  /** Ended or decided already, or not to begin yet: nothing. */
  | { readonly kind: 'over' }
  /** Nothing is granted: nothing is fetched, and what rests here is purged. */
  | { readonly kind: 'nothing-granted'; readonly fence: number }
  /** Another run is to be taken back (server/roster/undo-run.ts). */
  | { readonly kind: 'undo'; readonly fence: number }
  /** Held before and now approved: what is staged is applied. */
  | { readonly kind: 'approved'; readonly fence: number; readonly toFetch: ToFetch }
  | { readonly kind: 'fetch'; readonly fence: number; readonly toFetch: ToFetch };

/** Collections that grow with the school: the others are read whole in a delta too. */
const byDelta = [
  'teachers',
  'students',
  'guardians',
  'enrolments',
  'demographics',
] as const satisfies readonly Collection[];
/** Clocks differ, and what is written while it is read comes late. */
export const overlapMs = 15 * 60_000;

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
    // While a system is being replaced its ids move; whoever moves them asks for the run again.
    if (await isMoving(tx, run)) return { kind: 'over' };
    const [of] = await tx
      .select({ connector: system.connector, removedAt: system.removedAt, stoppedAt: school.stoppedAt })
      .from(system)
      .innerJoin(school, eq(school.id, system.schoolId))
      .where(eq(system.id, run.systemId));
    if (of === undefined) throw new CrosswalkError('not-found', { details: { systemId: run.systemId } });
    const allowed = await readAllowed(tx, { ...run, now });
    const isStopped = of.stoppedAt !== null || of.removedAt !== null;
    const scopes = isStopped ? [] : allowed.toFetch;
    // What no grant allows any more goes now: the run may be held, and data that nobody may have waits for no verdict.
    if (scopes.length > 0) {
      const { toKeep, grants } = allowed;
      await purgeBeyond(tx, { ...run, scopes: toKeep, grants, sites: null, reason: 'grants-narrowed', now });
    }
    const fence = row.fence + 1;
    // What was approved is what lies staged; where a crash of the database took that, it is fetched again and weighed again.
    const isApproved =
      row.approvedFingerprint !== null && (await isStaged(tx, run, 'aside')) && (await readFetches(tx, run)).length > 0;
    const isUndo = row.undoOf !== null;
    const toFetch = await whatToFetch(tx, run, row, scopes, of.connector, now);
    await tx
      .update(syncRun)
      .set({
        state: 'running',
        phase: isUndo ? 'apply' : isApproved ? 'plan' : 'fetch',
        fence,
        leaseUntil: new Date(now.getTime() + leaseMs),
        startedAt: row.startedAt ?? now,
        scopes: [...scopes],
        kind: isUndo ? 'undo' : toFetch.kind,
        errorCode: null,
        errorDetails: null,
        ...(isApproved ? {} : { progress: {} }),
      })
      .where(eq(syncRun.id, run.syncRunId));
    await supersedeOthers();
    // What may rest here is no question of an undo: it brings back nothing that a purge took.
    if (isUndo) return { kind: 'undo', fence };
    if (scopes.length === 0) return { kind: 'nothing-granted', fence };
    if (isApproved) return { kind: 'approved', fence, toFetch };
    await dropStaged(tx, run);
    await openStaging(tx, run, toFetch.tables);
    return { kind: 'fetch', fence, toFetch };

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
      for (const other of others) await dropStaged(tx, { syncRunId: other.id });
    }
  });
}

async function isMoving(tx: Tx, { schoolId, systemId }: RunKey): Promise<boolean> {
  const [moving] = await tx
    .select({ id: systemReplacement.id })
    .from(systemReplacement)
    .where(
      and(
        eq(systemReplacement.schoolId, schoolId),
        inArray(systemReplacement.state, [...movingReplacementStates]),
        or(eq(systemReplacement.oldSystemId, systemId), eq(systemReplacement.newSystemId, systemId)),
      ),
    )
    .limit(1);
  return moving !== undefined;
}

const tablesOf = (collections: readonly Collection[]): StagedTable[] => [
  ...new Set(collections.map((collection) => stagedIn[collection])),
];

async function whatToFetch(
  tx: Tx,
  run: RunKey,
  row: typeof syncRun.$inferSelect,
  scopes: readonly Scope[],
  connectorId: string,
  now: Date,
): Promise<ToFetch> {
  if (row.uploadId !== null) {
    const tables = [...tablesKept(collectionsKept(scopes))];
    const besides = scopes.includes('roster.streams') ? (['subjects', 'groups'] as const) : [];
    const staged = new Set<StagedTable>([
      ...tables,
      ...besides,
      ...(tables.includes('people') ? (['roles'] as const) : []),
    ]);
    return {
      collections: [],
      tables: [...staged],
      kind: 'full',
      source: 'package',
      since: {},
      uploadId: row.uploadId,
    };
  }
  const connector = connectorById(connectorId);
  if (connector.source === 'handed-in' && scopes.length > 0) throw new CrosswalkError('package-awaited');
  const collections = connector.collectionsFor(scopes);
  const whole: ToFetch = {
    collections,
    tables: tablesOf(collections),
    kind: 'full',
    source: 'rest',
    since: {},
    uploadId: null,
  };
  if (row.trigger !== 'schedule' || !connector.capabilities.deltas) return whole;
  const wanted = byDelta.filter((collection) => collections.includes(collection));
  if (wanted.length === 0) return whole;
  const [settings] = await tx
    .select({ hours: syncSettings.fullEveryHours })
    .from(syncSettings)
    .where(and(eq(syncSettings.schoolId, run.schoolId), eq(syncSettings.systemId, run.systemId)));
  const hours = settings?.hours ?? 24;
  const ofSystem = and(
    eq(syncRun.schoolId, run.schoolId),
    eq(syncRun.systemId, run.systemId),
    eq(syncRun.state, 'succeeded'),
  );
  const [lastFull] = await tx
    .select({ at: syncRun.startedAt, scopes: syncRun.scopes, applied: syncRun.appliedAs })
    .from(syncRun)
    .where(and(ofSystem, eq(syncRun.kind, 'full')))
    .orderBy(desc(syncRun.finishedAt))
    .limit(1);
  const isFresh = lastFull?.at != null && now.getTime() - lastFull.at.getTime() < hours * 3_600_000;
  // Under other grants, or after half a verdict, only a full run knows where it stands.
  if (!isFresh || lastFull.applied === 'additions' || lastFull.scopes.toSorted().join() !== scopes.toSorted().join())
    return whole;
  const known = await tx
    .select({ collection: rosterFetch.collection, until: rosterFetch.modifiedUntil })
    .from(rosterFetch)
    .where(and(eq(rosterFetch.schoolId, run.schoolId), eq(rosterFetch.systemId, run.systemId)));
  const since: Partial<Record<Collection, string>> = {};
  for (const collection of wanted) {
    const until = known.find((entry) => entry.collection === collection)?.until ?? null;
    if (until === null) return whole;
    since[collection] = new Date(until.getTime() - overlapMs).toISOString();
  }
  return { ...whole, kind: 'delta', since };
}
