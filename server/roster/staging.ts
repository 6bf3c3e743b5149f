import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { Collection, Page } from '#server/connectors/contract.ts';
import type { DeviationKey } from '#server/connectors/exchange/deviations.ts';
import { isRosterCollection, type RosterCollection } from './collections.ts';
import { type DerivedStream, deriveStreams, type Hinted } from './derive-streams.ts';
import type { StagedRow } from './plan.ts';
import { stagePage } from './stage-record.ts';

/** The tables of the schema `staging`: the sync role's alone, unlogged, one run's rows until it is over. */

export interface StagedRun {
  readonly schoolId: string;
  readonly syncRunId: string;
}

/** Writes one page, cut to the scopes. The same page again (a repeated step) leaves the same rows. */
export async function writePage<C extends Collection>(
  tx: Tx,
  run: StagedRun,
  { page, number, scopes }: { page: Page<C>; number: number; scopes: readonly string[] },
): Promise<void> {
  const staged = stagePage(page, scopes);
  const rows = staged.records.map((record) => ({
    source_id: record.sourceId,
    disposition: record.disposition,
    content: record.content,
    hint: record.hint,
    modified_at: record.modifiedAt?.toISOString() ?? null,
  }));
  if (rows.length > 0) {
    await tx.execute(sql`
      insert into staging.record (run_id, school_id, collection, source_id, disposition, page, content, hint, modified_at)
      select ${run.syncRunId}::uuid, ${run.schoolId}::uuid, ${page.collection}, r.source_id, r.disposition, ${number}::int,
             r.content, r.hint, r.modified_at
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as r(source_id text, disposition text, content jsonb, hint jsonb, modified_at timestamptz)
      on conflict (run_id, collection, source_id) do update
        set disposition = excluded.disposition, page = excluded.page, content = excluded.content, hint = excluded.hint,
            modified_at = excluded.modified_at
        -- A record that could not be read on a later page does not undo one that could.
        where excluded.disposition <> 'aside' or staging.record.disposition = 'aside'`);
  }
  await tx.execute(sql`
    insert into staging.page (run_id, school_id, collection, page, rows, uncounted, repeated, total, ended, set_aside, deviations)
    values (${run.syncRunId}::uuid, ${run.schoolId}::uuid, ${page.collection}, ${number}::int,
            ${page.records.length + page.setAside.length}::int, ${staged.uncounted}::int, ${staged.repeated}::int,
            ${page.total}::int, ${page.end}, ${JSON.stringify(page.setAside)}::jsonb,
            array(select jsonb_array_elements_text(${JSON.stringify(page.deviations)}::jsonb)))
    on conflict (run_id, collection, page) do update
      set rows = excluded.rows, uncounted = excluded.uncounted, repeated = excluded.repeated, total = excluded.total,
          ended = excluded.ended, set_aside = excluded.set_aside, deviations = excluded.deviations`);
}

/** How a collection was fetched. */
export interface FetchFacts {
  readonly collection: RosterCollection;
  /** Distinct records read, whatever became of them. */
  readonly read: number;
  readonly total: number | null;
  readonly setAside: number;
  /** The last page was reached. */
  readonly isOver: boolean;
  /** Reached, not in doubt, and as many as the provider promised: absence means something. */
  readonly complete: boolean;
}

const factsSchema = z.array(
  z.object({
    collection: z.string().refine(isRosterCollection),
    read: z.coerce.number(),
    total: z.coerce.number().nullable(),
    set_aside: z.coerce.number(),
    ended: z.enum(['said', 'assumed', 'doubtful']).nullable(),
  }),
);

export async function readFetches(tx: Tx, run: StagedRun): Promise<FetchFacts[]> {
  const rows = factsSchema.parse(
    await tx.execute(sql`
      select p.collection, last.total, last.ended,
             sum(p.uncounted + p.repeated) + (select count(*) from staging.record r
                where r.run_id = p.run_id and r.collection = p.collection) as read,
             sum(jsonb_array_length(p.set_aside)) as set_aside
        from staging.page p
        join lateral (select l.total, l.ended from staging.page l
                       where l.run_id = p.run_id and l.collection = p.collection order by l.page desc limit 1) last on true
       where p.run_id = ${run.syncRunId}::uuid
       group by p.run_id, p.collection, last.total, last.ended`),
  );
  return rows.map(({ collection, read, total, set_aside, ended }) => ({
    collection,
    read,
    total,
    setAside: set_aside,
    isOver: ended !== null,
    complete:
      (ended === 'said' && (total === null || read >= total)) ||
      // Silence and emptiness together are no evidence: a token of the wrong district gets empty lists too.
      (ended === 'assumed' && read > 0 && (total === null || read >= total)),
  }));
}

const hintedSchema = z.array(
  z.object({
    collection: z.enum(['subjects', 'groups']),
    source_id: z.string(),
    hint: z.object({
      subjectSourceId: z.string().nullable(),
      stream: z
        .object({
          code: z.string().nullable(),
          name: z.string().nullable(),
          programme: z.string().nullable(),
          level: z.string().nullable(),
          year: z.string().nullable(),
          from: z.enum(['metadata', 'class-grades', 'course-grades']),
        })
        .nullable(),
    }),
  }),
);

/** Derives the streams that the staged courses and classes tell of, stages them, and files each group under its own. */
export async function stageStreams(tx: Tx, run: StagedRun): Promise<void> {
  const hinted = hintedSchema.parse(
    await tx.execute(sql`
      select collection, source_id, hint from staging.record
       where run_id = ${run.syncRunId}::uuid and collection in ('subjects', 'groups') and hint is not null`),
  );
  const of = (collection: 'subjects' | 'groups'): Hinted[] =>
    hinted
      .filter((row) => row.collection === collection)
      .map(({ source_id, hint }) => ({ sourceId: source_id, ...hint }));
  const { streams, streamOfGroup } = deriveStreams(of('subjects'), of('groups'));
  await tx.execute(sql`delete from staging.record where run_id = ${run.syncRunId}::uuid and collection = 'streams'`);
  await tx.execute(sql`
    insert into staging.record (run_id, school_id, collection, source_id, disposition, page, content)
    select ${run.syncRunId}::uuid, ${run.schoolId}::uuid, 'streams', r.source_id, 'kept', 0, r.content
      from jsonb_to_recordset(${JSON.stringify(streams.map(streamRow))}::jsonb) as r(source_id text, content jsonb)`);
  await tx.execute(sql`
    update staging.record g
       set content = jsonb_set(g.content, '{stream_source_id}', coalesce(to_jsonb(s.stream), 'null'::jsonb))
      from staging.record target
      left join jsonb_to_recordset(${JSON.stringify([...streamOfGroup].map(([group, stream]) => ({ group, stream })))}::jsonb)
             as s("group" text, stream text) on s."group" = target.source_id
     where target.run_id = ${run.syncRunId}::uuid and target.collection = 'groups' and target.disposition = 'kept'
       and g.run_id = target.run_id and g.collection = target.collection and g.source_id = target.source_id`);
}

const streamRow = (stream: DerivedStream) => ({
  source_id: stream.sourceId,
  content: {
    name: stream.name,
    code: stream.code,
    programme: stream.programme,
    level: stream.level,
    year: stream.year,
    derived_from: stream.derivedFrom,
  },
});

/** jsonb has one spelling per value, so its text is content enough to hash. */
export const contentHash = sql.raw(`encode(sha256(convert_to(r.content::text, 'UTF8')), 'hex')`);

const stagedSchema = z.array(
  z.object({
    source_id: z.string(),
    disposition: z.enum(['kept', 'deleted', 'aside']),
    hash: z.string().nullable(),
    site: z.string().nullable(),
  }),
);

/** A collection's staged rows, without their content. */
export async function readStaged(
  tx: Tx,
  run: StagedRun,
  collection: RosterCollection,
): Promise<(StagedRow & { readonly siteSourceId: string | null })[]> {
  const rows = stagedSchema.parse(
    await tx.execute(sql`
      select r.source_id, r.disposition, ${contentHash} as hash, r.content->>'site_source_id' as site
        from staging.record r
       where r.run_id = ${run.syncRunId}::uuid and r.collection = ${collection} and r.disposition <> 'cut'`),
  );
  return rows.map(({ source_id, disposition, hash, site }) => ({
    sourceId: source_id,
    disposition,
    contentHash: hash,
    siteSourceId: site,
  }));
}

const contentSchema = z.array(z.object({ source_id: z.string(), content: z.record(z.string(), z.unknown()) }));

/** Content of a small collection (sites, terms): what others are filed under. */
export async function readContent(tx: Tx, run: StagedRun, collection: 'sites' | 'terms') {
  return contentSchema.parse(
    await tx.execute(sql`
      select source_id, content from staging.record
       where run_id = ${run.syncRunId}::uuid and collection = ${collection} and disposition = 'kept'`),
  );
}

const oddSchema = z.array(
  z.object({
    collection: z.string(),
    deviations: z.array(z.string()),
    repeated: z.coerce.number(),
    set_aside: z.array(z.object({ sourceId: z.string().nullable(), field: z.string().nullable(), reason: z.string() })),
  }),
);

/** What was odd about the pages: deviations with the number of pages on which each was seen, records set aside. */
export async function readOddities(tx: Tx, run: StagedRun) {
  const pages = oddSchema.parse(
    await tx.execute(sql`
      select collection, to_jsonb(deviations) as deviations, repeated, set_aside from staging.page
       where run_id = ${run.syncRunId}::uuid order by collection, page`),
  );
  const deviations: Record<string, number> = {};
  const duplicate: DeviationKey = 'duplicate-record';
  const seen = pages.flatMap((page) => [...page.deviations, ...(page.repeated > 0 ? [duplicate] : [])]);
  for (const key of seen) deviations[key] = (deviations[key] ?? 0) + 1;
  return {
    deviations,
    setAside: pages.flatMap((page) => page.set_aside.map((record) => ({ collection: page.collection, ...record }))),
  };
}

/** Drops what a run staged; without a run, all that a school has staged. */
export async function dropStaged(
  tx: Tx,
  { schoolId, syncRunId }: { schoolId: string; syncRunId: string },
): Promise<void> {
  await tx.execute(sql`delete from staging.record where run_id = ${syncRunId}::uuid and school_id = ${schoolId}::uuid`);
  await tx.execute(sql`delete from staging.page where run_id = ${syncRunId}::uuid and school_id = ${schoolId}::uuid`);
}
