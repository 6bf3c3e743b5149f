import { and, desc, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { setAsideRecord, site, syncRun } from '#db/schema/index.ts';
import type { DeviationKey } from '#server/connectors/exchange/deviations.ts';
import type { Context } from '#server/kernel/context.ts';
import { newId } from '#server/kernel/ids.ts';
import { collectionsKept, type RosterCollection, rosterTables } from './collections.ts';
import { defaultThresholds, fingerprintOf, type HeldPlan, type Plan, weigh } from './guard.ts';
import { readAllowed } from './live-grants.ts';
import { recogniseSites, type SourceSite, sitesAllowed } from './narrow-to-sites.ts';
import { type CollectionPlan, type KnownRow, planCollection } from './plan.ts';
import { purgeBeyond } from './purge.ts';
import { type HeldRun, prolong, proveFence } from './run-lease.ts';
import {
  contentHash,
  dropStaged,
  type FetchFacts,
  readContent,
  readFetches,
  readOddities,
  readStaged,
  stageStreams,
} from './staging.ts';

export type Applied =
  | { readonly outcome: 'applied'; readonly records: number }
  | { readonly outcome: 'held' }
  /** The database lost its unlogged tables: fetch again. */
  | { readonly outcome: 'staging-lost' };

/** Most records whose reason is kept of one run; the count is never cut. */
const mostSetAside = 10_000;
const namesShown = 20;

/**
 * stage → plan → guard → apply for one run whose collections are fetched. One transaction applies, as the sync role: readers see the
 * old roster or the new one, and its first statement proves that nobody has taken the run over.
 */
export async function applyRun(ctx: Context, run: HeldRun, collections: readonly RosterCollection[]): Promise<Applied> {
  const now = () => ctx.clock.now();
  const inSchool = <T>(work: (tx: Tx) => Promise<T>) => ctx.database.withSchool(run.schoolId, work);
  const before = await inSchool((tx) => outcomeSoFar(tx, run));
  if (before !== null) return before;
  const isWhole = await inSchool(async (tx) => {
    const fetches = await readFetches(tx, run);
    return collections.every((name) => fetches.some((facts) => facts.collection === name && facts.isOver));
  });
  if (!isWhole) return { outcome: 'staging-lost' };
  await inSchool(async (tx) => {
    await prolong(tx, run, now(), { phase: 'stage' });
    await stageStreams(tx, run);
  });
  await inSchool((tx) => prolong(tx, run, now(), { phase: 'plan' }));
  return inSchool(async (tx) => {
    // A killed worker's statement ends instead of running on.
    await tx.execute(sql`set local client_connection_check_interval = '5s'`);
    await proveFence(tx, run);
    return new Application(tx, run, now()).run(collections);
  });
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
  return { outcome: 'applied', records: await countRecords(tx, run, [...collectionsKept(row.scopes)]) };
}

/** Records that rest in the roster now and are not gone. */
async function countRecords(tx: Tx, run: HeldRun, collections: readonly RosterCollection[]): Promise<number> {
  let records = 0;
  for (const collection of collections) {
    const [row] = countRows.parse(
      await tx.execute(sql`
        select count(*) as n from ${sql.raw(rosterTables[collection].table)}
         where school_id = ${run.schoolId} and system_id = ${run.systemId} and gone_at is null`),
    );
    records += row?.n ?? 0;
  }
  return records;
}

const knownSchema = z.array(
  z.object({
    source_id: z.string(),
    content_hash: z.string(),
    missed_fetches: z.coerce.number(),
    is_gone: z.boolean(),
    site: z.string().nullable(),
    ends_on: z.string().nullable(),
    terms: z.array(z.string()).nullable(),
    year: z.string().nullable(),
  }),
);

interface Known extends KnownRow {
  readonly siteSourceId: string | null;
}

class Application {
  readonly #tx: Tx;
  readonly #run: HeldRun;
  readonly #now: Date;

  constructor(tx: Tx, run: HeldRun, now: Date) {
    this.#tx = tx;
    this.#run = run;
    this.#now = now;
  }

  async run(collections: readonly RosterCollection[]): Promise<Applied> {
    const [tx, run, now] = [this.#tx, this.#run, this.#now];
    const [row] = await tx.select().from(syncRun).where(eq(syncRun.id, run.syncRunId));
    const allowed = await readAllowed(tx, { ...run, now });
    // Grants may have shrunk since the run began.
    const kept = collectionsKept((row?.scopes ?? []).filter((scope) => allowed.toKeep.some((may) => may === scope)));
    const fetches = await readFetches(tx, run);
    const sites = await this.#sites(collections.includes('sites'));
    const own = await tx.select().from(site);
    const sitesHere = sitesAllowed(allowed.siteRules, sites, own);
    const ended = await this.#endedTerms();

    const plan = new Map<RosterCollection, CollectionPlan>();
    for (const collection of [...collections, ...(kept.has('streams') ? (['streams'] as const) : [])]) {
      if (!kept.has(collection)) continue;
      const isHere = (candidate: { sourceId: string; siteSourceId: string | null }) => {
        if (sitesHere === null) return true;
        if (collection === 'sites') return sitesHere.has(candidate.sourceId);
        return candidate.siteSourceId === null || sitesHere.has(candidate.siteSourceId);
      };
      const staged = (await readStaged(tx, run, collection)).filter(isHere);
      const known = (await this.#known(collection, ended)).filter(isHere);
      plan.set(collection, planCollection(staged, known, { complete: isComplete(collection, fetches) }));
    }

    // What was kept under other scopes has other content now, all of it: then that share says nothing.
    const sameScopes = await this.#lastScopesWere(row?.scopes ?? []);
    const reasons = weigh(plan, sameScopes ? defaultThresholds : { ...defaultThresholds, changedShare: 1 });
    const fingerprint = fingerprintOf(plan);
    if (reasons.length > 0 && row?.approvedFingerprint !== fingerprint) {
      await this.#hold(plan, { fingerprint, reasons }, fetches);
      return { outcome: 'held' };
    }
    for (const [collection, changes] of plan) await this.#write(collection, changes);
    await this.#nameSites(recogniseSites(sites, own));
    await this.#noteOddities(sitesHere !== null && sitesHere.size === 0 ? { 'sites-not-recognised': 1 } : {});
    await purgeBeyond(tx, { ...run, scopes: allowed.toKeep, sites: sitesHere, reason: 'grants-narrowed', now });
    await tx
      .update(syncRun)
      .set({
        state: 'succeeded',
        phase: 'announce',
        finishedAt: now,
        leaseUntil: null,
        held: null,
        errorCode: null,
        errorDetails: null,
        progress: progressOf(plan, fetches),
      })
      .where(eq(syncRun.id, run.syncRunId));
    await dropStaged(tx, run);
    return { outcome: 'applied', records: await countRecords(tx, run, [...plan.keys()]) };
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

  async #sites(areStaged: boolean): Promise<SourceSite[]> {
    if (!areStaged) return [];
    return (await readContent(this.#tx, this.#run, 'sites')).map(({ source_id, content }) => ({
      sourceId: source_id,
      ...siteContent.parse(content),
    }));
  }

  /** Terms that are over, as fetched now or known from before. */
  async #endedTerms(): Promise<ReadonlySet<string>> {
    const today = this.#now.toISOString().slice(0, 10);
    const staged = await readContent(this.#tx, this.#run, 'terms');
    const known = termRows.parse(
      await this.#tx.execute(sql`
        select source_id, ends_on from roster_term where school_id = ${this.#run.schoolId} and system_id = ${this.#run.systemId}`),
    );
    const endsOn = new Map(known.map((term) => [term.source_id, term.ends_on]));
    for (const { source_id, content } of staged) endsOn.set(source_id, termContent.parse(content).ends_on);
    return new Set([...endsOn].filter(([, day]) => day <= today).map(([id]) => id));
  }

  async #known(collection: RosterCollection, ended: ReadonlySet<string>): Promise<Known[]> {
    const { table, columns } = rosterTables[collection];
    const column = (name: string, type: string) =>
      Object.hasOwn(columns, name) ? sql.raw(name) : sql.raw(`null::${type}`);
    const rows = knownSchema.parse(
      await this.#tx.execute(sql`
        select source_id, content_hash, missed_fetches, gone_at is not null as is_gone,
               ${column('site_source_id', 'text')} as site, ${column('ends_on', 'text')} as ends_on,
               to_jsonb(${column('term_source_ids', 'text[]')}) as terms, ${column('school_year_source_id', 'text')} as year
          from ${sql.raw(table)}
         where school_id = ${this.#run.schoolId} and system_id = ${this.#run.systemId}`),
    );
    return rows.map((row) => ({
      sourceId: row.source_id,
      contentHash: row.content_hash,
      missedFetches: row.missed_fetches,
      isGone: row.is_gone,
      siteSourceId: row.site,
      isEnded:
        (collection === 'terms' && ended.has(row.source_id)) ||
        (row.year !== null && ended.has(row.year)) ||
        (row.terms !== null && row.terms.length > 0 && row.terms.every((term) => ended.has(term))),
    }));
  }

  async #write(collection: RosterCollection, changes: CollectionPlan): Promise<void> {
    const { table, columns } = rosterTables[collection];
    const [tx, run, now] = [this.#tx, this.#run, this.#now.toISOString()];
    const names = Object.keys(columns);
    const list = sql.raw(names.join(', '));
    const fields = sql.raw(
      Object.entries(columns)
        .map(([name, type]) => `${name} ${type}`)
        .join(', '),
    );
    const from = sql.raw(names.map((name) => `c.${name}`).join(', '));
    const excluded = sql.raw(names.map((name) => `${name} = excluded.${name}`).join(', '));
    const target = sql.raw(table);
    const written = [...changes.added, ...changes.changed, ...changes.returned];
    for (const chunk of chunks(written, 5_000)) {
      const wanted = JSON.stringify(chunk.map((sourceId) => ({ id: newId(), source_id: sourceId })));
      await tx.execute(sql`
        insert into ${target} (id, school_id, system_id, source_id, content_hash, source_modified_at, first_seen_at, last_seen_at, ${list})
        select w.id, ${run.schoolId}::uuid, ${run.systemId}::uuid, r.source_id, ${contentHash}, r.modified_at, ${now}::timestamptz, ${now}::timestamptz, ${from}
          from jsonb_to_recordset(${wanted}::jsonb) as w(id uuid, source_id text)
          join staging.record r on r.run_id = ${run.syncRunId}::uuid and r.collection = ${collection} and r.source_id = w.source_id
         cross join lateral jsonb_to_record(r.content) as c(${fields})
        on conflict (school_id, system_id, source_id) do update
          set content_hash = excluded.content_hash, source_modified_at = excluded.source_modified_at, last_seen_at = excluded.last_seen_at,
              missed_fetches = 0, gone_at = null, ${excluded}`);
    }
    const touch = async (ids: readonly string[], set: ReturnType<typeof sql>) => {
      for (const chunk of chunks(ids, 5_000)) {
        await tx.execute(sql`
          update ${target} set ${set}
           where school_id = ${run.schoolId} and system_id = ${run.systemId}
             and source_id in (select jsonb_array_elements_text(${JSON.stringify(chunk)}::jsonb))`);
      }
    };
    await touch(changes.unchanged, sql`last_seen_at = ${now}::timestamptz, missed_fetches = 0`);
    await touch(changes.missing, sql`missed_fetches = missed_fetches + 1`);
    await touch(changes.gone, sql`gone_at = ${now}::timestamptz, missed_fetches = missed_fetches + 1`);
  }

  async #nameSites(recognised: ReadonlyMap<string, string>): Promise<void> {
    const pairs = [...recognised].map(([source_id, id]) => ({ source_id, id }));
    await this.#tx.execute(sql`
      update roster_site s set site_id = p.id
        from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as p(source_id text, id uuid)
       where s.school_id = ${this.#run.schoolId} and s.system_id = ${this.#run.systemId} and s.source_id = p.source_id
         and s.site_id is distinct from p.id`);
  }

  async #noteOddities(ours: Partial<Record<DeviationKey, number>> = {}): Promise<void> {
    const { deviations, setAside } = await readOddities(this.#tx, this.#run);
    await this.#tx
      .update(syncRun)
      .set({ deviations: { ...deviations, ...ours } })
      .where(eq(syncRun.id, this.#run.syncRunId));
    await this.#tx.delete(setAsideRecord).where(eq(setAsideRecord.syncRunId, this.#run.syncRunId));
    for (const chunk of chunks(setAside.slice(0, mostSetAside), 1_000)) {
      await this.#tx
        .insert(setAsideRecord)
        .values(chunk.map((record) => ({ schoolId: this.#run.schoolId, syncRunId: this.#run.syncRunId, ...record })));
    }
  }

  async #hold(
    plan: Plan,
    verdict: Pick<HeldPlan, 'fingerprint' | 'reasons'>,
    fetches: readonly FetchFacts[],
  ): Promise<void> {
    const collections: HeldPlan['collections'] = {};
    for (const [collection, changes] of plan) {
      collections[collection] = {
        ...counts(changes),
        goneNames: await this.#names(collection, changes.gone),
        changedNames: await this.#names(collection, changes.changed),
      };
    }
    await this.#noteOddities();
    const held: HeldPlan = { ...verdict, collections };
    await this.#tx
      .update(syncRun)
      .set({
        state: 'held',
        phase: 'guard',
        leaseUntil: null,
        held,
        approvedFingerprint: null,
        errorCode: null,
        errorDetails: null,
        progress: progressOf(plan, fetches),
      })
      .where(eq(syncRun.id, this.#run.syncRunId));
  }

  async #names(collection: RosterCollection, ids: readonly string[]): Promise<string[]> {
    const { table, columns } = rosterTables[collection];
    const name = sql.raw(Object.hasOwn(columns, 'title') ? 'title' : 'name');
    const rows = nameRows.parse(
      await this.#tx.execute(sql`
        select ${name} as name from ${sql.raw(table)}
         where school_id = ${this.#run.schoolId} and system_id = ${this.#run.systemId}
           and source_id in (select jsonb_array_elements_text(${JSON.stringify(ids.slice(0, namesShown))}::jsonb))
         order by 1`),
    );
    return rows.map((row) => row.name);
  }
}

const siteContent = z
  .object({ name: z.string(), identifier: z.string().nullable(), parent_source_id: z.string().nullable() })
  .transform(({ name, identifier, parent_source_id }) => ({ name, identifier, parentSourceId: parent_source_id }));
const termContent = z.object({ ends_on: z.string() });
const termRows = z.array(z.object({ source_id: z.string(), ends_on: z.string() }));
const nameRows = z.array(z.object({ name: z.string() }));
const countRows = z.array(z.object({ n: z.coerce.number() }));

/** Streams are as complete as what they are derived from. */
function isComplete(collection: RosterCollection, fetches: readonly FetchFacts[]): boolean {
  const of = (name: RosterCollection) => fetches.find((facts) => facts.collection === name)?.complete ?? false;
  return collection === 'streams' ? of('subjects') && of('groups') : of(collection);
}

const counts = (changes: CollectionPlan) => ({
  added: changes.added.length,
  changed: changes.changed.length,
  returned: changes.returned.length,
  unchanged: changes.unchanged.length,
  missing: changes.missing.length,
  gone: changes.gone.length,
});

/** Per collection what `sync_run.progress` shows; `complete` is 1 or 0. */
function progressOf(plan: Plan, fetches: readonly FetchFacts[]): Record<string, Record<string, number | null>> {
  const progress: Record<string, Record<string, number | null>> = {};
  for (const facts of fetches) {
    progress[facts.collection] = {
      fetched: facts.read,
      total: facts.total,
      setAside: facts.setAside,
      complete: facts.complete ? 1 : 0,
    };
  }
  for (const [collection, changes] of plan) progress[collection] = { ...progress[collection], ...counts(changes) };
  return progress;
}

function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
