import { setImmediate } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Tx } from '#db/client.ts';
import type { Endpoint } from '#server/protocols/oneroster/endpoints.ts';
import type { FieldType, ObjectName } from '#server/protocols/oneroster/fields.ts';
import type { ListQuery } from '#server/protocols/oneroster/list-query.ts';
import { fieldOf } from '#server/protocols/oneroster/typed-filter.ts';
import type { OneRosterVersion } from '#server/protocols/oneroster/versions.ts';
import { jsonOf, type Writer } from '#server/protocols/oneroster/wire.ts';
import { anyRow } from '../any-row.ts';
import { filterSql } from './conditions.ts';
import type { ListPlace } from './cursor.ts';
import { deletedHeads } from './deletions.ts';
import { type ObjectSql, objectSql, parentSql, partSql, withinSql } from './objects.ts';
import type { Reading } from './open-reading.ts';
import { type References, readAgents, readReferences } from './references.ts';

/** A list under one grant. */
export interface List {
  readonly reading: Reading;
  readonly endpoint: Endpoint;
  readonly query: ListQuery;
}

/** Records that are fetched at once: while one piece is written out, PostgreSQL reads the next ones. */
const piece = 1_000;
/** Fewer at first: until they are here there is nothing to write. */
const firstPiece = 500;
/** Fetches under way at once: PostgreSQL goes on while this process takes in what came. */
const ahead = 3;
/** Records that are written out at once. */
const slice = 250;

const countRows = z.array(z.object({ n: z.coerce.number() }));
const headRow = z.object({
  'head.id': z.string(),
  'head.at': z.number(),
  /** Only of a list in which there may be others. */
  'head.status': z.enum(['active', 'tobedeleted']).default('active'),
  /** Not where it is found again by the id. */
  'head.key': z.string().nullable().default(null),
});
const keyRows = z.tuple([z.object({ key: z.string() })]);

/** Whether every parent that the path names is in the grant. */
export async function hasParents(tx: Tx, { reading, endpoint }: Pick<List, 'reading' | 'endpoint'>): Promise<boolean> {
  for (const [index, parent] of endpoint.parents.entries()) {
    const id = endpoint.parentIds[index] ?? '';
    if (!(await anyRow(tx, parentSql(reading, parent, id)))) return false;
  }
  return true;
}

/**
 * Whether a list tells of what was deleted: a top-level one that is asked by modification date or status (reference §11). Elsewhere what is
 * deleted does not exist.
 */
const tellsDeleted = ({ endpoint, query }: List): boolean =>
  endpoint.parents.length === 0 &&
  (query.filter ?? []).some((all) => all.some(({ field }) => field === 'dateLastModified' || field === 'status'));

/** What is asked for, as rows under the alias `r`. */
function wantedSql({ reading, endpoint, query }: List, object: ObjectSql): SQL {
  const { object: name, part, parents, parentIds } = endpoint;
  const conditions = [
    part === 'student' || part === 'teacher' ? partSql(reading, part) : object.visible,
    part === 'student' || part === 'teacher' ? null : partSql(reading, part),
    ...parents.map((parent, index) => withinSql(reading, name, part, parent, parentIds[index] ?? '')),
    query.filter === null ? null : filterSql(query.filter, object.fields),
  ];
  return sql.join(
    conditions.filter((condition) => condition !== null),
    sql` and `,
  );
}

/** Of the deleted only what is told of them can be asked for. */
function deletedSql(list: List): SQL {
  const { reading, endpoint, query } = list;
  const matches = filterSql(query.filter ?? [], {
    sourcedId: { as: 'uuid', sql: sql`d.id` },
    status: { as: 'plain', sql: sql`'tobedeleted'::text` },
    dateLastModified: { as: 'plain', sql: sql`d.at` },
  });
  return sql`select d.id, d.at from (${deletedHeads(reading, endpoint.object, endpoint.part)}) d where ${matches}`;
}

/** How many records a list holds. */
export async function countList(tx: Tx, list: List): Promise<number> {
  const object = objectSql[list.endpoint.object](list.reading);
  const here = sql`select count(*) from ${object.from} where ${wantedSql(list, object)}`;
  const [row] = countRows.parse(
    await tx.execute(
      tellsDeleted(list)
        ? sql`select (${here}) + (select count(*) from (${deletedSql(list)}) gone) as n`
        : sql`select (${here}) as n`,
    ),
  );
  return row?.n ?? 0;
}

/** The order of a list, as one expression of one type. */
interface Order {
  readonly by: string;
  /** It is the object's own, with an index; nobody asked for another. */
  readonly isOwn: boolean;
  readonly type: 'text' | 'uuid' | 'timestamptz' | 'boolean';
  readonly here: SQL;
  readonly ofDeleted: SQL;
  readonly descending: boolean;
}

function orderOf(list: List, object: ObjectSql): Order {
  const { sort } = list.query;
  if (sort === null) {
    const { order: here, orderType: type } = object;
    // Deleted records stand at the end: their source's id may be one that says something.
    const ofDeleted = type === 'text' ? sql`chr(1114111)` : sql`'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid`;
    return { by: type === 'text' ? '' : type, isOwn: true, type, here, ofDeleted, descending: false };
  }
  const { field, descending } = sort;
  const by = `${field} ${descending ? 'desc' : 'asc'}`;
  const type: FieldType = fieldOf(list.endpoint.object, field)?.type ?? 'text';
  const found = object.fields[field];
  if (type === 'moment') {
    const here = sql`greatest(${object.changedAt}, ${list.reading.since.toISOString()}::timestamptz)`;
    return { by, isOwn: false, type: 'timestamptz', here, ofDeleted: sql`d.at`, descending };
  }
  if (type === 'flag') {
    return {
      by,
      isOwn: false,
      type: 'boolean',
      here: sql`coalesce(${found?.sql ?? sql`false`}, false)`,
      ofDeleted: sql`false`,
      descending,
    };
  }
  return {
    by,
    isOwn: false,
    type: 'text',
    here: sql`coalesce(${found?.sql ?? sql`''`}::text, '')`,
    ofDeleted: sql`''::text`,
    descending,
  };
}

/** Seconds of a moment: for PostgreSQL to write one out as the standard wants it takes two microseconds a row. */
const secondsSql = (moment: SQL) => sql`date_part('epoch', ${moment})`;
const isoOf = (seconds: number) => new Date(Math.round(seconds * 1_000)).toISOString();

/**
 * Reads a page, a piece at a time, through a cursor: the next pieces are asked for before one is given out, so that the database and this process
 * work side by side. Behind `place`, else from `query.offset` on.
 */
export async function* readPieces(
  tx: Tx,
  list: List,
  writer: Writer,
  begin: { readonly place: ListPlace | null },
): AsyncGenerator<{ readonly objects: readonly string[]; readonly last: ListPlace | null }> {
  const object = objectSql[list.endpoint.object](list.reading);
  const order = orderOf(list, object);
  const { limit, offset } = list.query;
  const place = begin.place?.by === order.by ? begin.place : null;
  // One row more than is given out tells whether there are more.
  const asked = { place, offset: place === null ? offset : 0, count: limit + 1 };
  await tx.execute(
    sql`declare page_of_list no scroll cursor for ${rowsSql(list, object, order, writer.version, asked)}`,
  );
  const fetches: Promise<readonly Row[]>[] = [];
  let unasked = asked.count;
  const ask = (size: number) => {
    const count = Math.min(size, unasked);
    if (count === 0) return;
    unasked -= count;
    const rows = fetchRows(tx, count);
    // It is awaited later; until then a failure of it is nobody's yet, and no reason to end the process.
    rows.catch(() => undefined);
    fetches.push(rows);
  };
  ask(firstPiece);
  for (let n = 1; n < ahead; n++) ask(piece);
  // Together, so that what is told of a failure is the first one and not that the transaction has failed.
  const [references] = await Promise.all([readReferences(tx, list.reading.view), fetches[0]]);
  let left = limit;
  let end: Row | undefined;
  let isMore = false;
  for (let fetched = fetches.shift(); fetched !== undefined; fetched = fetches.shift()) {
    const rows = await fetched;
    ask(piece);
    const found = rows.slice(0, left);
    left -= found.length;
    end = found.at(-1) ?? end;
    const sources =
      object.agentsOf === undefined
        ? []
        : found.flatMap(({ status, told }) => (status === 'active' ? (object.agentsOf?.(told) ?? []) : []));
    const agents = await readAgents(tx, list.reading.view, sources);
    for (let at = 0; at < found.length; at += slice) {
      // The driver speaks with the database at each turn of the event loop; without any the next piece would wait until this one is written.
      if (at > 0 || fetches.length > 0) await setImmediate();
      yield {
        objects: written(list, object, writer, { ...references, agents }, found.slice(at, at + slice)),
        last: null,
      };
    }
    if (rows.length > found.length) isMore = true;
  }
  await tx.execute(sql`close page_of_list`);
  if (!isMore || end === undefined) return;
  const { id } = end;
  const key = end.key ?? (await keyOf(tx, object, order, id));
  yield { objects: [], last: { by: order.by, key, id } };
}

/** By what a row stands where it stands. Asked of the last one alone: of thousands it is never told. */
async function keyOf(tx: Tx, object: ObjectSql, order: Order, id: string): Promise<string> {
  const rows = await tx.execute(
    sql`select (${order.here})::text as key from ${object.from} where ${object.id} = ${id}::uuid`,
  );
  return keyRows.parse([...rows])[0].key;
}

interface Row {
  readonly id: string;
  /** Of the order: what the next page begins behind; null: to be asked (`keyOf`). */
  readonly key: string | null;
  readonly status: 'active' | 'tobedeleted';
  /** Seconds. */
  readonly at: number;
  /** What the object's `write` reads. */
  readonly told: unknown;
}

async function fetchRows(tx: Tx, count: number): Promise<readonly Row[]> {
  const rows = await tx.execute(sql`fetch forward ${sql.raw(String(count))} from page_of_list`);
  return rows.map((told) => {
    const head = headRow.parse(told);
    return { key: head['head.key'], id: head['head.id'], status: head['head.status'], at: head['head.at'], told };
  });
}

/** The rows of a page, in its order. */
function rowsSql(
  list: List,
  object: ObjectSql,
  order: Order,
  version: OneRosterVersion,
  { place, offset, count }: { place: ListPlace | null; offset: number; count: number },
): SQL {
  const { reading } = list;
  const direction = order.descending ? sql`desc` : sql`asc`;
  const at = sql`greatest(${object.changedAt}, ${reading.since.toISOString()}::timestamptz)`;
  const key = sql.raw(order.type);
  const behind = (expression: SQL, id: SQL): SQL => {
    if (place === null) return sql`true`;
    const sign = order.descending ? sql`<` : sql`>`;
    // The comparison of the key alone is what an index can be entered by.
    const entered = order.isOwn ? sql`${expression} >= ${place.key}::text::${key} and` : sql``;
    return sql`${entered} (${expression}, ${id}) ${sign} (${place.key}::text::${key}, ${place.id}::uuid)`;
  };
  const columns = columnsSql(object, version);
  const limits = sql`limit ${count} offset ${offset}`;
  return order.isOwn && !tellsDeleted(list)
    ? // In the order of an index a row is written when its turn comes; where the key is unique, a second one would have all of them sorted.
      sql`
          select ${object.id} as "head.id", ${secondsSql(at)} as "head.at", ${columns}
            from ${object.from} where ${wantedSql(list, object)} and ${behind(order.here, object.id)}
           order by ${order.here} ${order.type === 'text' ? sql`` : sql`, ${object.id}`} ${limits}`
    : // Where all must be sorted, they are sorted without what they tell.
      sql`
          with heads as (
            select r.id as row_id, ${object.id} as id, ${order.here} as key, 'active' as status, ${at} as at from ${object.from} where ${wantedSql(list, object)}
            ${tellsDeleted(list) ? sql`union all select null, d.id, ${order.ofDeleted}, 'tobedeleted', d.at from (${deletedSql(list)}) d` : sql``}),
          page as (
            select * from heads where ${behind(sql`key`, sql`id`)} order by key ${direction}, id ${direction} ${limits})
          select page.key::text as "head.key", page.id as "head.id", page.status as "head.status", ${secondsSql(sql`page.at`)} as "head.at", told.*
            from page left join lateral (select ${columns} from ${object.from} where r.id = page.row_id) told on true
           order by page.key ${direction}, page.id ${direction}`;
}

const columnsSql = (object: ObjectSql, version: OneRosterVersion): SQL =>
  sql.join(
    Object.entries(object.columns(version)).map(([name, cell]) => sql`${cell} as ${sql.identifier(name)}`),
    sql`, `,
  );

function written(
  { query }: List,
  object: ObjectSql,
  writer: Writer,
  references: References,
  rows: readonly Row[],
): readonly string[] {
  // Very many records were changed in the same moment: by one sync.
  let [last, modifiedAt] = [Number.NaN, ''];
  return rows.map(({ id, status, at, told }) => {
    if (at !== last) [last, modifiedAt] = [at, isoOf(at)];
    const head = { id, status, modifiedAt };
    const written = status === 'active' ? object.write(writer, head, told, references) : writer.deleted(head);
    return jsonOf(written, query.fields);
  });
}

const momentRow = headRow.pick({ 'head.at': true });

/** One object by its id, as JSON; null where it is not in the grant. A deleted one is told as such (reference §11). */
export async function readOne(
  tx: Tx,
  { reading, endpoint }: Pick<List, 'reading' | 'endpoint'>,
  writer: Writer,
  fields: readonly string[] | null,
): Promise<string | null> {
  const name: ObjectName = endpoint.object;
  const object = objectSql[name](reading);
  const { part } = endpoint;
  const id = endpoint.id ?? '';
  const at = sql`greatest(${object.changedAt}, ${reading.since.toISOString()}::timestamptz)`;
  const visible =
    part === 'student' || part === 'teacher'
      ? partSql(reading, part)
      : sql`${object.visible} and ${partSql(reading, part)}`;
  const [row] = await tx.execute(sql`
    select ${secondsSql(at)} as "head.at", ${columnsSql(object, writer.version)}
      from ${object.from} where ${object.id} = ${id}::uuid and ${visible} limit 1`);
  if (row !== undefined) {
    const modifiedAt = isoOf(momentRow.parse(row)['head.at']);
    const agents = await readAgents(tx, reading.view, object.agentsOf?.(row) ?? []);
    const references = { ...(await readReferences(tx, reading.view)), agents };
    const told = object.write(writer, { id, status: 'active', modifiedAt }, row, references);
    return jsonOf(told, fields);
  }
  const [gone] = await tx.execute(sql`
    select ${secondsSql(sql`d.at`)} as "head.at" from (${deletedHeads(reading, name, part)}) d where d.id = ${id}::uuid limit 1`);
  if (gone === undefined) return null;
  const modifiedAt = isoOf(momentRow.parse(gone)['head.at']);
  return jsonOf(writer.deleted({ id, status: 'tobedeleted', modifiedAt }), fields);
}
