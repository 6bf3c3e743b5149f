import { createHash } from 'node:crypto';
import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import {
  preview,
  request,
  rosterUpload,
  rosterUploadChunk,
  setAsideRecord,
  site,
  syncRun,
  syncSettings,
} from '#db/schema/index.ts';
import type { Context } from '#server/kernel/context.ts';
import type { ToFetch } from './begin-run.ts';
import {
  collectionsKept,
  isRosterCollection,
  type RosterCollection,
  type TableName,
  tableNames,
  tablesKept,
} from './collections.ts';
import {
  firstShare,
  guardRuleSchema,
  type HeldPlan,
  type HeldReason,
  type PlanCounts,
  type Weighed,
  weigh,
} from './guard.ts';
import { readAllowed } from './live-grants.ts';
import { recogniseSites, type SourceSite, sitesAllowed } from './narrow-to-sites.ts';
import { type PlanOf, planTable, type TablePlan } from './plan-run.ts';
import { noteProgress } from './progress.ts';
import { purgeBeyond } from './purge.ts';
import { rosterTables } from './roster-tables.ts';
import { type HeldRun, prolong, proveFence } from './run-lease.ts';
import { endAsSame, findSame, markInputs, readResting } from './same-package.ts';
import { type StagedFacts, StageRun } from './stage-run.ts';
import { stageStreams, writeStreams } from './stage-streams.ts';
import { dropStaged, type FetchFacts, isStaged, readDeviations, readFetches, staged } from './staging.ts';
import { type ApplyAs, followReferences, writePlan } from './write-plan.ts';

export type Applied =
  | { readonly outcome: 'applied'; readonly records: number }
  | { readonly outcome: 'held' }
  /** The database lost its unlogged tables: fetch again. */
  | { readonly outcome: 'staging-lost' };

/** Most records whose reason is kept of one run, and rows of a held diff; the counts are never cut. */
const mostSetAside = 10_000;
const mostHeld = 20_000;

/**
 * stage → plan → guard → apply for one run whose collections are fetched. One transaction applies, as the sync role: readers see the
 * old roster or the new one, and its first statement proves that nobody has taken the run over.
 */
export async function applyRun(ctx: Context, run: HeldRun, fetched: ToFetch): Promise<Applied> {
  const now = () => ctx.clock.now();
  const inSchool = <T>(work: (tx: Tx) => Promise<T>) => ctx.database.withSchool(run.schoolId, work);
  const before = await inSchool((tx) => outcomeSoFar(tx, run));
  if (before !== null) return before;
  const isWhole = await inSchool(async (tx) => {
    if (!(await isStaged(tx, run, 'aside'))) return false;
    const fetches = await readFetches(tx, run);
    if (fetched.source === 'package' && fetches.length === 0) return 'nothing';
    // A package brings what its manifest says: it is whole once each of its files that is wanted was read.
    if (fetched.source === 'package') {
      return fetched.tables.every((table) => fetches.some(({ collection, isOver }) => collection === table && isOver));
    }
    return fetched.collections.every((name) => fetches.some((facts) => facts.collection === name && facts.isOver));
  });
  if (isWhole === 'nothing') return inSchool((tx) => applySame(tx, run, now()));
  if (!isWhole) return { outcome: 'staging-lost' };
  await inSchool((tx) => prolong(tx, run, now(), { phase: 'stage' }));
  return inSchool(async (tx) => {
    // A killed worker's statement ends instead of running on; joins over millions of rows stay in memory where they can, and none is done row
    // by row because the planner took a table for small.
    await tx.execute(sql`
      select set_config('client_connection_check_interval', '2s', true), set_config('work_mem', '192MB', true), set_config('jit', 'off', true),
             set_config('enable_nestloop', 'off', true)`);
    await proveFence(tx, run);
    return new Application(ctx, tx, run, fetched, now()).run();
  });
}

/** Ends a run whose package was not read because it tells nothing new; where that is no longer so, it is to be read. */
async function applySame(tx: Tx, run: HeldRun, now: Date): Promise<Applied> {
  await proveFence(tx, run);
  const same = await findSame(tx, run, now);
  if (same === null) return { outcome: 'staging-lost' };
  await endAsSame(tx, run, same, now);
  const [row] = await tx.select({ uploadId: syncRun.uploadId }).from(syncRun).where(eq(syncRun.id, run.syncRunId));
  await endUpload(tx, run, row?.uploadId ?? null, now);
  await dropStaged(tx, run);
  return { outcome: 'applied', records: same.records };
}

/** A package that was read is not kept. */
async function endUpload(tx: Tx, { schoolId }: HeldRun, uploadId: string | null, now: Date): Promise<void> {
  if (uploadId === null) return;
  await tx
    .update(rosterUpload)
    .set({ state: 'read', finishedAt: now })
    .where(and(eq(rosterUpload.id, uploadId), eq(rosterUpload.schoolId, schoolId)));
  await tx
    .delete(rosterUploadChunk)
    .where(and(eq(rosterUploadChunk.uploadId, uploadId), eq(rosterUploadChunk.schoolId, schoolId)));
}

/** What an earlier attempt of the same step came to, whose answer was lost in a crash; null where there was none. */
async function outcomeSoFar(tx: Tx, run: HeldRun): Promise<Applied | null> {
  const [row] = await tx
    .select({ state: syncRun.state, fence: syncRun.fence, scopes: syncRun.scopes })
    .from(syncRun)
    .where(and(eq(syncRun.id, run.syncRunId), eq(syncRun.schoolId, run.schoolId)));
  if (row === undefined || row.fence !== run.fence) return null;
  if (row.state === 'held') return { outcome: 'held' };
  if (row.state !== 'succeeded') return null;
  const { records } = await readResting(tx, run, tablesKept(collectionsKept(row.scopes)));
  return { outcome: 'applied', records };
}

const countRows = z.array(z.object({ n: z.coerce.number() }));
const siteRows = z.array(
  z.object({
    source_id: z.string(),
    name: z.string().nullable(),
    identifier: z.string().nullable(),
    parent_source_id: z.string().nullable(),
  }),
);
const termRows = z.array(z.object({ source_id: z.string() }));
const modifiedRows = z.array(z.object({ modified: z.coerce.date().nullable() }));

class Application {
  readonly #ctx: Context;
  readonly #tx: Tx;
  readonly #run: HeldRun;
  readonly #fetched: ToFetch;
  readonly #now: Date;

  constructor(ctx: Context, tx: Tx, run: HeldRun, fetched: ToFetch, now: Date) {
    this.#ctx = ctx;
    this.#tx = tx;
    this.#run = run;
    this.#fetched = fetched;
    this.#now = now;
  }

  async run(): Promise<Applied> {
    const [tx, run, now] = [this.#tx, this.#run, this.#now];
    const [row] = await tx.select().from(syncRun).where(eq(syncRun.id, run.syncRunId));
    if (row === undefined) return { outcome: 'staging-lost' };
    const allowed = await readAllowed(tx, { ...run, now });
    // Grants may have shrunk since the run began.
    const scopes = row.scopes.filter((scope) => allowed.toKeep.some((may) => may === scope));
    const kept = collectionsKept(scopes);
    const fetches = await readFetches(tx, run);
    const sites = await this.#sites();
    const own = await tx.select().from(site);
    const sitesHere = sitesAllowed(allowed.siteRules, sites, own);

    const stage = new StageRun(tx, run, this.#fetched.tables);
    const facts = await stage.run({ kept, grants: allowed.grants, sites: sitesHere }, this.#fetched.source);
    const streams = kept.has('streams') ? await stageStreams(tx, run, this.#fetched.tables) : null;
    await stage.cutGroups(kept);
    const ended = await this.#terms('ended');
    const upcoming = await this.#terms('upcoming');
    const keptTables = tablesKept(kept);
    const as: ApplyAs = row.appliedAs ?? 'all';
    await this.#phase('plan');
    const plans = await this.#plans(stage, keptTables, (table) => ({
      complete: this.#isComplete(table, fetches, facts),
      ended,
      upcoming,
    }));
    await this.#phase('guard');
    const verdict = await this.#verdict(row, plans, scopes);
    if (verdict.reasons.length > 0 && row.approvedFingerprint !== verdict.fingerprint) {
      await this.#hold(plans, verdict, fetches, facts);
      return { outcome: 'held' };
    }
    await this.#phase('apply');
    for (const plan of plans) {
      await this.#progress('apply', plan.table, plan);
      await writePlan(tx, run, plan, as, now);
    }
    if (
      plans.some(({ table }) => table === 'enrolments') &&
      plans.some(({ table }) => table === 'people' || table === 'groups')
    ) {
      const isMoved = plans.some(
        (plan) => !plan.isFirst && [...plan.counts.values()].some(({ reused, returned }) => reused + returned > 0),
      );
      const isMerged = (facts.deviations['person-with-several-ids'] ?? 0) > 0;
      if (isMoved || isMerged) await followReferences(tx, run, now);
    }
    const counts = new Map(plans.flatMap((plan) => [...plan.counts]));
    if (streams !== null) {
      const complete = ['subjects', 'groups'].every((name) =>
        this.#isComplete(name === 'subjects' ? 'subjects' : 'groups', fetches, facts),
      );
      counts.set(
        'streams',
        await writeStreams(
          tx,
          run,
          { streams, complete, tables: plans.filter(({ isFirst }) => !isFirst).map(({ table }) => table) },
          now,
        ),
      );
    }
    await this.#nameSites(recogniseSites(sites, own));
    await this.#noteFetches(plans, fetches, facts, row.startedAt ?? now);
    await this.#noteOddities(facts, sitesHere !== null && sitesHere.size === 0 ? { 'sites-not-recognised': 1 } : {});
    await purgeBeyond(tx, {
      ...run,
      scopes: allowed.toKeep,
      grants: allowed.grants,
      sites: sitesHere,
      reason: 'grants-narrowed',
      now,
    });
    await tx
      .update(syncRun)
      .set({
        state: 'succeeded',
        phase: 'announce',
        // The end, not the beginning: a large school takes minutes.
        finishedAt: this.#ctx.clock.now(),
        leaseUntil: null,
        held: null,
        errorCode: null,
        errorDetails: null,
        progress: progressOf(counts, fetches, (collection) => this.#isWhole(collection, fetches, facts)),
        drift: this.#fetched.kind === 'full' ? await this.#drift(row) : null,
      })
      .where(eq(syncRun.id, run.syncRunId));
    await tx.execute(
      sql`delete from held_change where school_id = ${run.schoolId}::uuid and sync_run_id = ${run.syncRunId}::uuid`,
    );
    await tx.execute(
      sql`update sync_settings set hold_next = false where school_id = ${run.schoolId}::uuid and system_id = ${run.systemId}::uuid and hold_next`,
    );
    await endUpload(tx, run, row.uploadId, now);
    await dropStaged(tx, run);
    const resting = await readResting(tx, run, keptTables);
    // Where it was asked to leave something out, the same package would bring that again.
    const inputs = as === 'all' ? await markInputs(tx, run, resting, now) : null;
    await tx.update(syncRun).set({ inputs }).where(eq(syncRun.id, run.syncRunId));
    return { outcome: 'applied', records: resting.records };
  }

  /** The plan of each table that was fetched and may rest. */
  async #plans(
    stage: StageRun,
    kept: ReadonlySet<TableName>,
    of: (table: TableName) => Pick<PlanOf, 'complete' | 'ended' | 'upcoming'>,
  ): Promise<TablePlan[]> {
    const plans: TablePlan[] = [];
    for (const table of tableNames) {
      if (!this.#fetched.tables.includes(table) || !kept.has(table)) continue;
      await this.#progress('plan', table, null);
      const prove = async () => {
        if (table === 'enrolments') await stage.proveReferencesOfPlan();
      };
      plans.push(await planTable(this.#tx, this.#run, { table, ...of(table), prove }));
    }
    return plans;
  }

  /** A phase is told beside the transaction, which alone holds the run's row until it ends. */
  async #phase(phase: 'plan' | 'guard' | 'apply') {
    await noteProgress(this.#ctx, this.#run, { phase, collection: null, done: 0, total: null });
  }

  async #progress(phase: 'plan' | 'apply', table: TableName, plan: TablePlan | null) {
    const total =
      plan === null
        ? null
        : [...plan.counts.values()].reduce((sum, { added, changed, gone }) => sum + added + changed + gone, 0);
    await noteProgress(this.#ctx, this.#run, { phase, collection: table, done: 0, total });
  }

  /**
   * Whether absence from this fetch means something: its end was reached and not in doubt, it brought what was promised, and nothing came
   * twice where a total is all there is to go by. Silence and emptiness together are no evidence: a token of the wrong district gets empty
   * lists too.
   */
  #isComplete(table: TableName, fetches: readonly FetchFacts[], { repeated }: StagedFacts): boolean {
    // In a delta the collections that do not grow with the school are read whole.
    if (this.#fetched.kind === 'delta' && (table === 'people' || table === 'enrolments' || table === 'demographics'))
      return false;
    const names: readonly string[] = table === 'people' ? ['teachers', 'students', 'guardians', 'people'] : [table];
    const of = fetches.filter((facts) => names.includes(facts.collection));
    if (of.length === 0) return false;
    const again = repeated[table] ?? 0;
    return of.every(
      ({ ended, read, total }) =>
        (ended === 'said' || (ended === 'assumed' && read > 0)) && (total === null || read - again >= total),
    );
  }

  #isWhole(collection: string, fetches: readonly FetchFacts[], facts: StagedFacts): boolean {
    const table = tableNames.find((name) => name === collection) ?? 'people';
    return this.#isComplete(table, fetches, facts);
  }

  async #sites(): Promise<SourceSite[]> {
    const { tables } = this.#fetched;
    const rows = siteRows.parse(
      await this.#tx.execute(
        tables.includes('sites')
          ? sql`select source_id, name, identifier, parent_source_id from ${staged(this.#run, 'sites')} where status is distinct from 'tobedeleted' and source_id is not null`
          : sql`select source_id, name, identifier, parent_source_id from roster_site
                 where school_id = ${this.#run.schoolId}::uuid and system_id = ${this.#run.systemId}::uuid and gone_at is null`,
      ),
    );
    return rows.map((row) => ({
      sourceId: row.source_id,
      name: row.name ?? '',
      identifier: row.identifier,
      parentSourceId: row.parent_source_id,
    }));
  }

  /** Terms that are over, or that begin later, as fetched now or known from before. */
  async #terms(which: 'ended' | 'upcoming'): Promise<string[]> {
    const today = this.#now.toISOString().slice(0, 10);
    const { schoolId, systemId } = this.#run;
    const fetched = this.#fetched.tables.includes('terms')
      ? sql`select source_id, left(ends_on, 10) as ends_on, left(starts_on, 10) as starts_on, 1 as rank from ${staged(this.#run, 'terms')} where ends_on is not null union all`
      : sql``;
    const rows = termRows.parse(
      await this.#tx.execute(sql`
        select source_id from (
          select distinct on (source_id) source_id, ends_on, starts_on from (${fetched}
            select source_id, ends_on, starts_on, 2 as rank from roster_term where school_id = ${schoolId}::uuid and system_id = ${systemId}::uuid) t
           order by source_id, rank) u
         where ${which === 'ended' ? sql`ends_on <= ${today}` : sql`starts_on > ${today}`} order by source_id`),
    );
    return rows.map((row) => row.source_id);
  }

  async #verdict(row: typeof syncRun.$inferSelect, plans: readonly TablePlan[], scopes: readonly string[]) {
    const { schoolId, systemId } = this.#run;
    const [settings] = await this.#tx
      .select()
      .from(syncSettings)
      .where(and(eq(syncSettings.schoolId, schoolId), eq(syncSettings.systemId, systemId)));
    const rules = z.array(guardRuleSchema).safeParse(settings?.guardRules ?? []);
    // What was kept under other scopes has other content now, all of it: then that share says nothing.
    const isSame = await this.#lastScopesWere(row.scopes);
    const weighed: Weighed[] = plans
      .flatMap((plan) => plan.weighed)
      .map((part) => (isSame ? part : { ...part, changed: 0, fields: {} }));
    const reasons: HeldReason[] = weigh(weighed, rules.success ? rules.data : []);
    const counts = new Map(plans.flatMap((plan) => [...plan.counts]));
    for (const [collection, { reused }] of counts) {
      if (reused > 0)
        reasons.push({
          collection,
          site: null,
          upcoming: false,
          kind: 'reused',
          field: null,
          count: reused,
          of: reused,
          limit: 0,
        });
    }
    reasons.push(...(await this.#firstBringsLess(plans, counts, scopes)));
    if (settings?.holdNext === true) {
      const changes = [...counts].filter(([, of]) => of.added + of.changed + of.returned + of.gone > 0);
      const [collection, of] = changes[0] ?? [];
      if (collection !== undefined && of !== undefined) {
        const count = of.added + of.changed + of.returned + of.gone;
        reasons.push({
          collection,
          site: null,
          upcoming: false,
          kind: 'after-undo',
          field: null,
          count,
          of: count + of.unchanged,
          limit: 0,
        });
      }
    }
    const hash = createHash('sha256');
    for (const { fingerprint } of plans) hash.update(fingerprint);
    return { reasons, fingerprint: hash.digest('base64url') };
  }

  /** A first sync that brings under nine tenths of what was previewed and approved is looked at. */
  async #firstBringsLess(
    plans: readonly TablePlan[],
    counts: ReadonlyMap<RosterCollection, PlanCounts>,
    scopes: readonly string[],
  ): Promise<HeldReason[]> {
    if (!plans.some((plan) => plan.isFirst)) return [];
    const { schoolId, systemId } = this.#run;
    const [approved] = await this.#tx
      .select({ counts: preview.counts })
      .from(preview)
      .innerJoin(request, eq(request.id, preview.requestId))
      .where(and(eq(preview.schoolId, schoolId), eq(preview.systemId, systemId), eq(request.state, 'approved')))
      .orderBy(desc(preview.at))
      .limit(1);
    const kept = collectionsKept(scopes);
    return (approved?.counts ?? []).flatMap(({ collection, count, precision }) => {
      if (
        count === null ||
        count === 0 ||
        precision !== 'exact' ||
        !isRosterCollection(collection) ||
        !kept.has(collection)
      )
        return [];
      if (!plans.some((plan) => plan.isFirst && plan.counts.has(collection)) && counts.has(collection)) return [];
      const brought = counts.get(collection)?.added ?? 0;
      return brought >= count * firstShare
        ? []
        : [
            {
              collection,
              site: null,
              upcoming: false,
              kind: 'first' as const,
              field: null,
              count: brought,
              of: count,
              limit: firstShare,
            },
          ];
    });
  }

  async #lastScopesWere(scopes: readonly string[]): Promise<boolean> {
    const [last] = await this.#tx
      .select({ scopes: syncRun.scopes })
      .from(syncRun)
      .where(
        and(
          eq(syncRun.schoolId, this.#run.schoolId),
          eq(syncRun.systemId, this.#run.systemId),
          eq(syncRun.state, 'succeeded'),
        ),
      )
      .orderBy(desc(syncRun.finishedAt))
      .limit(1);
    return last !== undefined && last.scopes.toSorted().join() === scopes.toSorted().join();
  }

  async #nameSites(recognised: ReadonlyMap<string, string>): Promise<void> {
    const pairs = [...recognised].map(([source_id, id]) => ({ source_id, id }));
    await this.#tx.execute(sql`
      update roster_site s set site_id = p.id
        from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as p(source_id text, id uuid)
       where s.school_id = ${this.#run.schoolId} and s.system_id = ${this.#run.systemId} and s.source_id = p.source_id
         and s.site_id is distinct from p.id`);
  }

  /**
   * When each collection was last seen whole, and where its next delta begins: at the newest modification that the source told, never
   * later than our own clock when the fetch began, so that a date in the future poisons nothing and a slow clock over there loses nothing.
   */
  async #noteFetches(
    plans: readonly TablePlan[],
    fetches: readonly FetchFacts[],
    facts: StagedFacts,
    startedAt: Date,
  ): Promise<void> {
    const { schoolId, systemId } = this.#run;
    for (const { table, counts } of plans) {
      const complete = this.#isComplete(table, fetches, facts);
      if (!complete && this.#fetched.kind === 'full') continue;
      const limit = startedAt.toISOString();
      const [newest] = modifiedRows.parse(
        this.#fetched.source === 'package'
          ? [{ modified: null }]
          : await this.#tx.execute(
              sql`select staging.moment(max(modified) filter (where modified <= ${limit})) as modified from ${staged(this.#run, table)}`,
            ),
      );
      const until = newest?.modified?.toISOString() ?? null;
      const collections = new Set<RosterCollection>([
        ...counts.keys(),
        ...(table === 'people' ? this.#people() : []),
        ...(table === 'groups' ? (['groups', 'classes'] as const) : []),
        ...(isRosterCollection(table) ? [table] : []),
      ]);
      for (const collection of collections) {
        await this.#tx.execute(sql`
          insert into roster_fetch as f (school_id, system_id, collection, seen_at, modified_until)
          values (${schoolId}::uuid, ${systemId}::uuid, ${collection}, ${complete ? this.#now.toISOString() : null}::timestamptz, ${until}::timestamptz)
          on conflict (system_id, collection) do update
            set seen_at = coalesce(excluded.seen_at, f.seen_at), modified_until = greatest(f.modified_until, excluded.modified_until)`);
      }
    }
  }

  #people(): RosterCollection[] {
    return this.#fetched.collections
      .filter(isRosterCollection)
      .filter((name) => ['teachers', 'students', 'guardians'].includes(name));
  }

  /** What a full run found otherwise than the deltas before it had left it: records whose own date says that a delta should have told. */
  async #drift(row: typeof syncRun.$inferSelect): Promise<number | null> {
    const [last] = await this.#tx
      .select({ kind: syncRun.kind, startedAt: syncRun.startedAt })
      .from(syncRun)
      .where(
        and(eq(syncRun.schoolId, row.schoolId), eq(syncRun.systemId, row.systemId), eq(syncRun.state, 'succeeded')),
      )
      .orderBy(desc(syncRun.finishedAt))
      .limit(1);
    if (last?.kind !== 'delta' || last.startedAt === null) return null;
    let drift = 0;
    for (const table of ['people', 'enrolments', 'demographics'] as const) {
      if (!this.#fetched.tables.includes(table)) continue;
      const [found] = countRows.parse(
        await this.#tx.execute(sql`
          select count(*) as n from ${staged(this.#run, 'plan')} p left join ${staged(this.#run, table)} s on s.source_id = p.source_id
           where p.collection = ${table} and p.kind in ('added', 'changed', 'returned', 'gone')
             and coalesce(staging.moment(s.modified), '-infinity') < ${last.startedAt.toISOString()}::timestamptz - interval '15 minutes'`),
      );
      drift += found?.n ?? 0;
    }
    return drift;
  }

  async #noteOddities(facts: StagedFacts, ours: Readonly<Record<string, number>> = {}): Promise<void> {
    const deviations = { ...(await readDeviations(this.#tx, this.#run)), ...facts.deviations, ...ours };
    await this.#tx.update(syncRun).set({ deviations }).where(eq(syncRun.id, this.#run.syncRunId));
    await this.#tx.delete(setAsideRecord).where(eq(setAsideRecord.syncRunId, this.#run.syncRunId));
    await this.#tx.execute(sql`
      insert into set_aside_record (id, school_id, sync_run_id, collection, source_id, file, line, field, reason)
      select across.new_id(), ${this.#run.schoolId}::uuid, ${this.#run.syncRunId}::uuid, collection, source_id, file, line, field, reason
        from ${staged(this.#run, 'aside')} limit ${mostSetAside}`);
  }

  async #hold(
    plans: readonly TablePlan[],
    verdict: Pick<HeldPlan, 'fingerprint' | 'reasons'>,
    fetches: readonly FetchFacts[],
    facts: StagedFacts,
  ): Promise<void> {
    const { schoolId, syncRunId } = this.#run;
    const counts = new Map(plans.flatMap((plan) => [...plan.counts]));
    await this.#tx.execute(
      sql`delete from held_change where school_id = ${schoolId}::uuid and sync_run_id = ${syncRunId}::uuid`,
    );
    for (const plan of plans) await this.#keepDiff(plan);
    await this.#noteOddities(facts);
    // Repeats are removed by now and would not be counted again when somebody says yes: what is doubtful stays so.
    for (const { collection } of fetches) {
      if (this.#isWhole(collection, fetches, facts)) continue;
      await this.#tx.execute(sql`
        update staging.page set ended = 'doubtful'
         where run_id = ${syncRunId}::uuid and school_id = ${schoolId}::uuid and collection = ${collection} and ended is not null`);
    }
    const held: HeldPlan = { ...verdict, collections: Object.fromEntries(counts) };
    await this.#tx
      .update(syncRun)
      .set({
        state: 'held',
        phase: 'guard',
        leaseUntil: null,
        held,
        approvedFingerprint: null,
        appliedAs: null,
        errorCode: null,
        errorDetails: null,
        progress: progressOf(counts, fetches, (collection) => this.#isWhole(collection, fetches, facts)),
      })
      .where(eq(syncRun.id, syncRunId));
  }

  /** The rows of the diff that somebody decides on; of very many the first of each kind. */
  async #keepDiff({ table, isFirst }: TablePlan): Promise<void> {
    if (isFirst) return;
    const of = rosterTables[table];
    const { schoolId, syncRunId } = this.#run;
    for (const kinds of [sql`('gone', 'reused')`, sql`('changed', 'returned')`, sql`('added')`]) {
      await this.#tx.execute(sql`
        insert into held_change (id, school_id, sync_run_id, collection, kind, source_id, record_id, name, before, after)
        select across.new_id(), ${schoolId}::uuid, ${syncRunId}::uuid,
               case when r.id is null then ${sql.raw(of.collection.staged)} else ${sql.raw(of.collection.resting)} end, p.kind, p.source_id, r.id,
               case when r.id is null then ${sql.raw(of.name.staged)} else ${sql.raw(of.name.resting)} end, p.before, p.after
          from ${staged(this.#run, 'plan')} p
          left join ${sql.raw(of.table)} r on r.id = p.id
          left join ${staged(this.#run, table)} s on s.source_id = p.source_id
         where p.collection = ${table} and p.kind in ${kinds} order by p.kind, p.source_id limit ${mostHeld}`);
    }
  }
}

/** Per collection what `sync_run.progress` shows; `complete` is 1 or 0. */
function progressOf(
  counts: ReadonlyMap<RosterCollection, PlanCounts>,
  fetches: readonly FetchFacts[],
  isWhole: (collection: string) => boolean,
): Record<string, Record<string, number | null>> {
  const progress: Record<string, Record<string, number | null>> = {};
  for (const facts of fetches) {
    // A package tells people of every kind in one file; its roles are counted with them.
    if (facts.collection === 'people' || facts.collection === 'roles') continue;
    progress[facts.collection] = {
      fetched: facts.read,
      total: facts.total,
      setAside: facts.setAside,
      complete: isWhole(facts.collection) ? 1 : 0,
    };
  }
  const file = fetches.find(({ collection }) => collection === 'people');
  for (const [collection, changes] of counts) {
    const ofFile: Record<string, number | null> =
      file !== undefined && (collection === 'teachers' || collection === 'students' || collection === 'guardians')
        ? {
            fetched: changes.added + changes.changed + changes.returned + changes.unchanged,
            total: null,
            complete: isWhole('people') ? 1 : 0,
          }
        : {};
    progress[collection] = { ...progress[collection], ...ofFile, ...changes };
  }
  return progress;
}
