import { sql } from 'drizzle-orm';
import type postgres from 'postgres';
import { z } from 'zod';
import type { Database, Tx } from '#db/client.ts';
import { type StagedTable, stagedColumns } from '#server/connectors/staged-columns.ts';

/**
 * The tables of the schema `staging`: the sync role's alone, unlogged, one set per run, dropped when it is over. Rows are text as the source
 * told them; what they mean is found out by SQL.
 */

export interface StagedRun {
  readonly schoolId: string;
  readonly syncRunId: string;
}

/** Columns that tell a stream; never part of a record's own content. */
const isStreamColumn = (column: string) => column.startsWith('stream_');
/** Columns of our own: the roles of people in one cell, `role|roleType|site|beginsOn|endsOn` each, parted as a list; the stream found. */
const besides: Partial<Record<StagedTable, readonly string[]>> = {
  people: ['roles', 'stream_source_id'],
  groups: ['stream_source_id'],
};

/** A staged table of a run, as SQL. */
export const staged = (run: StagedRun, table: StagedTable | 'aside' | 'plan') =>
  sql.raw(`staging.${nameOf(run, table)}`);
export const nameOf = (run: StagedRun, table: StagedTable | 'aside' | 'plan') =>
  `${table}_${run.syncRunId.replaceAll('-', '')}`;

/** Opens a run's tables. Every column of the seam exists, so that SQL can name it; the ones not wanted stay empty. */
export async function openStaging(tx: Tx, run: StagedRun, tables: readonly StagedTable[]): Promise<void> {
  const spec = Object.fromEntries(
    tables.map((table) => {
      const columns = [...stagedColumns[table], ...(besides[table] ?? [])];
      return [table, { columns, hashed: columns.filter((column) => !isStreamColumn(column)) }];
    }),
  );
  await tx.execute(sql`select across.open_staging(${run.syncRunId}::uuid, ${JSON.stringify(spec)}::jsonb)`);
}

/** Drops what a run staged. As either role. */
export async function dropStaged(tx: Tx, { syncRunId }: Pick<StagedRun, 'syncRunId'>): Promise<void> {
  await tx.execute(sql`select across.close_staging(${syncRunId}::uuid)`);
}

/** Rows to copy: lines of `COPY … (FORMAT csv)` in the order of `columns`, behind `line`, `source_id`, `status` and `modified`. */
export interface RowsToCopy {
  readonly table: StagedTable;
  readonly columns: readonly string[];
  readonly lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface SetAsideRow {
  readonly sourceId: string | null;
  readonly file?: string | null;
  readonly line?: number | null;
  readonly field: string | null;
  readonly reason: string;
}

/** What is noted of a page (or a file) that was staged. */
export interface PageFacts {
  readonly collection: string;
  readonly number: number;
  readonly rows: number;
  readonly setAside: number;
  readonly total: number | null;
  readonly cursor: string | null;
  readonly ended: 'said' | 'assumed' | 'doubtful' | null;
  readonly deviations: readonly string[];
}

/** Most records whose reason is kept of one page or file; the count is never cut. */
const mostSetAside = 10_000;

/**
 * Copies one page, or one file, with what is noted of it, in one transaction: it is staged whole or not at all. `facts` is asked when the
 * rows are through, since a file's are known then. `prove` runs first in the same transaction.
 */
export async function copyPage(
  database: Database,
  run: StagedRun,
  page: {
    readonly rows: readonly RowsToCopy[];
    readonly facts: () => PageFacts;
    readonly aside: () => readonly SetAsideRow[];
    /** Of a file: ids among which all are that came twice; null: not known. */
    readonly repeats?: () => readonly string[] | null;
    readonly prove: (tx: postgres.TransactionSql) => Promise<void>;
  },
): Promise<void> {
  await database.sql.begin(async (tx) => {
    await tx`select set_config('app.school', ${run.schoolId}, true), set_config('app.agent', '', true)`;
    await page.prove(tx);
    for (const { table, columns, lines } of page.rows) {
      const names = ['line', 'source_id', 'status', 'modified', ...columns].map((name) => `"${name}"`).join(', ');
      const target = `staging.${nameOf(run, table)}`;
      const stream = await tx.unsafe(`copy ${target} (${names}) from stdin (format csv)`).writable();
      await pump(lines, stream);
    }
    const facts = page.facts();
    const aside = page.aside().slice(0, mostSetAside);
    if (aside.length > 0) {
      const rows = JSON.stringify(
        aside.map((row) => ({ ...row, collection: facts.collection, source_id: row.sourceId })),
      );
      await tx.unsafe(
        `insert into staging.${nameOf(run, 'aside')} (collection, source_id, file, line, field, reason)
         select collection, source_id, file, line, field, reason
           from jsonb_to_recordset($1::text::jsonb) as r(collection text, source_id text, file text, line bigint, field text, reason text)`,
        [rows],
      );
    }
    const repeats = page.repeats?.() ?? null;
    if (repeats !== null) {
      await tx.unsafe(
        `insert into staging.${nameOf(run, 'plan')} (collection, kind, source_id)
         select $1::text, 'may-repeat', jsonb_array_elements_text($2::text::jsonb) union all select $1::text, 'looked-through', ''`,
        [facts.collection, JSON.stringify(repeats)],
      );
    }
    await tx`
      insert into staging.page (run_id, school_id, collection, page, rows, set_aside, total, cursor, ended, deviations)
      values (${run.syncRunId}, ${run.schoolId}, ${facts.collection}, ${facts.number}, ${facts.rows}, ${facts.setAside}, ${facts.total},
              ${facts.cursor}, ${facts.ended}, ${[...facts.deviations]})`;
  });
}

async function pump(lines: RowsToCopy['lines'], stream: NodeJS.WritableStream): Promise<void> {
  let failed: unknown = null;
  const failure = new Promise<never>((_, reject) => {
    stream.once('error', (error) => {
      failed = error;
      reject(error);
    });
  });
  // Heard of below; here only so that nobody is told of a rejection that is handled.
  failure.catch(() => undefined);
  try {
    for await (const bytes of lines) {
      if (failed !== null) throw failed;
      if (!stream.write(bytes)) {
        await Promise.race([new Promise<void>((resolve) => stream.once('drain', resolve)), failure]);
      }
    }
  } catch (error) {
    if ('destroy' in stream && typeof stream.destroy === 'function')
      stream.destroy(error instanceof Error ? error : undefined);
    throw error;
  }
  await Promise.race([new Promise<void>((resolve) => stream.end(resolve)), failure]);
}

/** Where a fetch of a collection goes on after what is staged. */
export interface StagedSoFar {
  readonly pages: number;
  readonly rows: number;
  /** Of the last page that is staged. */
  readonly cursor: string | null;
  readonly isOver: boolean;
}

const soFarSchema = z.array(
  z.object({
    pages: z.coerce.number(),
    rows: z.coerce.number(),
    cursor: z.string().nullable(),
    ended: z.string().nullable(),
  }),
);

export async function readStagedSoFar(tx: Tx, run: StagedRun, collection: string): Promise<StagedSoFar> {
  const [row] = soFarSchema.parse(
    await tx.execute(sql`
      select count(*) as pages, coalesce(sum(rows + set_aside), 0) as rows,
             (array_agg(cursor order by page desc))[1] as cursor, (array_agg(ended order by page desc))[1] as ended
        from staging.page where run_id = ${run.syncRunId}::uuid and collection = ${collection}`),
  );
  return {
    pages: row?.pages ?? 0,
    rows: row?.rows ?? 0,
    cursor: row?.cursor ?? null,
    isOver: (row?.ended ?? null) !== null,
  };
}

/** How a collection was fetched. */
export interface FetchFacts {
  readonly collection: string;
  /** Records read, whatever became of them; one that came on two pages counts twice. */
  readonly read: number;
  /** The largest that was told on any page: one that sinks while we read is a list in which rows moved up past us. */
  readonly total: number | null;
  readonly setAside: number;
  /** The last page was reached. */
  readonly isOver: boolean;
  /** What was said of the end, so that the caller can weigh repeats before it counts as complete. */
  readonly ended: 'said' | 'assumed' | 'doubtful' | null;
}

const factsSchema = z.array(
  z.object({
    collection: z.string(),
    read: z.coerce.number(),
    total: z.coerce.number().nullable(),
    set_aside: z.coerce.number(),
    ended: z.enum(['said', 'assumed', 'doubtful']).nullable(),
  }),
);

export async function readFetches(tx: Tx, run: StagedRun): Promise<FetchFacts[]> {
  const rows = factsSchema.parse(
    await tx.execute(sql`
      select collection, sum(rows + set_aside) as read, sum(set_aside) as set_aside,
             max(total) as total,
             -- A total that sinks while we read is a list in which rows moved up past us, in whatever part of it.
             case when bool_or(sank) and (array_agg(ended order by page desc))[1] is not null then 'doubtful'
                  else (array_agg(ended order by page desc))[1] end as ended
        from (select p.*, total < lag(total) over (partition by collection order by page) as sank
                from staging.page p where run_id = ${run.syncRunId}::uuid) pages
       group by collection`),
  );
  return rows.map(({ collection, read, total, set_aside, ended }) => ({
    collection,
    read,
    total,
    setAside: set_aside,
    isOver: ended !== null,
    ended,
  }));
}

const deviationSchema = z.array(z.object({ key: z.string(), pages: z.coerce.number() }));

/** Deviations with the number of pages (or files) on which each was seen. */
export async function readDeviations(tx: Tx, run: StagedRun): Promise<Record<string, number>> {
  const rows = deviationSchema.parse(
    await tx.execute(sql`
      select key, count(*) as pages from staging.page, unnest(deviations) as key where run_id = ${run.syncRunId}::uuid group by key`),
  );
  return Object.fromEntries(rows.map(({ key, pages }) => [key, pages]));
}

const existsSchema = z.array(z.object({ found: z.boolean() }));

/** Whether the run's tables are there: a crash of the database empties unlogged tables, a purge drops them. */
export async function isStaged(tx: Tx, run: StagedRun, table: StagedTable | 'aside'): Promise<boolean> {
  const [row] = existsSchema.parse(
    await tx.execute(sql`select to_regclass(${`staging.${nameOf(run, table)}`}) is not null as found`),
  );
  return row?.found === true;
}

/** Statistics, without which the plan of a join over millions of rows is a guess. */
export async function analyseStaged(tx: Tx, run: StagedRun, tables: readonly StagedTable[]): Promise<void> {
  for (const table of tables) await tx.execute(sql`analyze ${staged(run, table)}`);
}
