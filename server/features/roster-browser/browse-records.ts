import { and, type Column, eq, gt, ilike, isNotNull, isNull, or, type SQL, type SQLWrapper, sql } from 'drizzle-orm';
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import { idSchema } from '#server/kernel/ids.ts';

/** `here`: in use, also where a fetch has missed it. `missing`: absent from the last complete fetch. `gone`: left. */
export const recordStatuses = ['here', 'missing', 'gone'] as const;
export type RecordStatus = (typeof recordStatuses)[number];

/** Rows of one page of a list. */
export const recordsPerPage = 50;
/** What matches is counted up to here; beyond it a page says "more than". */
export const countedUpTo = 10_000;

/** What somebody typed to search for. PostgreSQL holds no NUL, so none is found. */
export const searchSchema = z
  .string()
  .max(200)
  .default('')
  .transform((text) => text.replaceAll('\0', '').trim());

/** What every list of received records is asked with. `after` is the `next` of the page before. */
export const browseFields = {
  schoolId: idSchema,
  systemId: idSchema.optional(),
  search: searchSchema,
  status: z.enum(recordStatuses).default('here'),
  descending: z.boolean().default(false),
  after: z.string().max(2_000).optional(),
} as const;

const shortestIdPart = 6;

interface RecordColumns {
  readonly schoolId: AnyPgColumn;
  readonly systemId: AnyPgColumn;
  readonly goneAt: AnyPgColumn;
  readonly missedFetches: AnyPgColumn;
  readonly sourceId: AnyPgColumn;
}

export interface BrowseInput {
  readonly schoolId: string;
  readonly systemId?: string | undefined;
  readonly search: string;
  readonly status: RecordStatus;
  readonly descending: boolean;
  readonly after?: string | undefined;
}

/**
 * Rows that a list shows: the school's, of the system and status asked for, each searched word in one of the texts, or the
 * source's id by its beginning (short words only as the whole id: "havo 4" is no search for ids with a 4).
 */
export function matching(
  columns: RecordColumns,
  input: Pick<BrowseInput, 'schoolId' | 'systemId' | 'search' | 'status'>,
  texts: readonly (Column | SQL)[],
  ...more: (SQL | undefined)[]
): SQL | undefined {
  return and(
    eq(columns.schoolId, input.schoolId),
    input.systemId === undefined ? undefined : eq(columns.systemId, input.systemId),
    ofStatus(columns, input.status),
    ...wordsOf(input.search).map((word) =>
      or(
        ...texts.map((text) => ilike(text, `%${literally(word)}%`)),
        word.length < shortestIdPart ? eq(columns.sourceId, word) : ilike(columns.sourceId, `${literally(word)}%`),
      ),
    ),
    ...more,
  );
}

export function ofStatus(
  columns: Pick<RecordColumns, 'goneAt' | 'missedFetches'>,
  status: RecordStatus,
): SQL | undefined {
  if (status === 'gone') return isNotNull(columns.goneAt);
  return status === 'here' ? isNull(columns.goneAt) : and(isNull(columns.goneAt), gt(columns.missedFetches, 0));
}

/** At most eight words: a search is no program. */
export const wordsOf = (search: string): string[] =>
  search
    .split(/\s+/u)
    .filter((word) => word !== '')
    .slice(0, 8);

/** `%` and `_` as somebody typed them, not as patterns. */
export const literally = (word: string): string => word.replaceAll(/[\\%_]/g, '\\$&');

const cursorSchema = z.tuple([z.string(), idSchema]);

/** The place in a list behind a row: its sort key and its id, as an address can carry it. Never for people. */
export const cursorOf = (key: string, id: string): string =>
  Buffer.from(JSON.stringify([key, id])).toString('base64url');

/** The place that a cursor names; one that says nothing is as if there were none. */
function placeOf(cursor: string | undefined): z.output<typeof cursorSchema> | null {
  if (cursor === undefined) return null;
  try {
    return cursorSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    return null;
  }
}

/** Behind the cursor in the order of a text and the id; undefined on the first page. */
export function behind(by: SQL, id: AnyPgColumn, { after, descending }: BrowseInput): SQL | undefined {
  const place = placeOf(after);
  if (place === null) return undefined;
  const [key, last] = place;
  return descending ? sql`(${by}, ${id}) < (${key}, ${last}::uuid)` : sql`(${by}, ${id}) > (${key}, ${last}::uuid)`;
}

export const inOrder = (by: SQL, id: AnyPgColumn, { descending }: BrowseInput): SQL[] =>
  descending ? [sql`${by} desc`, sql`${id} desc`] : [sql`${by} asc`, sql`${id} asc`];

export interface RecordPage<Row> {
  readonly rows: readonly Row[];
  /** Matching records, counted up to `countedUpTo`. */
  readonly total: number;
  /** There are more than were counted. */
  readonly more: boolean;
  /** The `after` of the next page; null on the last one. */
  readonly next: string | null;
}

/** A page out of one row more than it shows, each with its sort key as `key`. */
export function pageOf<Row extends { readonly id: string; readonly key: string }>(
  found: readonly Row[],
  counted: number,
): RecordPage<Omit<Row, 'key'>> {
  const shown = found.slice(0, recordsPerPage);
  const last = shown.at(-1);
  return {
    rows: shown.map(({ key: _, ...row }) => row),
    total: Math.min(counted, countedUpTo),
    more: counted > countedUpTo,
    next: found.length > recordsPerPage && last !== undefined ? cursorOf(last.key, last.id) : null,
  };
}

const countRow = z.array(z.object({ rows: z.coerce.number() }));

/** How many rows a query finds, which must end at one more than is said: `limit(countedUpTo + 1)`. */
export async function countRows(tx: Tx, query: SQLWrapper): Promise<number> {
  const [row] = countRow.parse(await tx.execute(sql`select count(*) as rows from (${query}) as counted`));
  return row?.rows ?? 0;
}

interface SeenColumns {
  readonly systemId: AnyPgColumn;
  readonly firstSeenAt: AnyPgColumn;
  readonly lastSeenAt: AnyPgColumn;
}

/**
 * When a record was last seen: what was seen at the collection's last fetch has no date of its own.
 * @param collections under which of `roster_fetch` the table is fetched
 */
export function lastSeen(table: PgTable & SeenColumns, ...collections: string[]): SQL<Date> {
  const names = sql.join(
    collections.map((name) => sql`${name}`),
    sql`, `,
  );
  // The columns by the table's own name: within the subquery `system_id` alone would be that of roster_fetch.
  return sql`coalesce(${table}."last_seen_at", (select max(f.seen_at) from roster_fetch f
    where f.school_id = ${table}."school_id" and f.system_id = ${table}."system_id" and f.collection in (${names})), ${table}."first_seen_at")`.mapWith(
    (value: string) => new Date(value),
  );
}
