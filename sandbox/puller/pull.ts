/**
 * A pull: every collection page by page, all of it or what changed, and kept only when everything arrived.
 * Source: OneRoster 1.2 REST binding (pagination, filter), conditional requests by RFC 9110 §13.
 */

import { z } from 'zod';
import type { Client } from './client.ts';
import { Trouble } from './client.ts';
import type { Collection, RecordOf, Roster } from './roster.ts';
import { goneId, read } from './roster.ts';
import type { Outcome, Source } from './source.ts';

/** A page that was read before: asked for again with its tag, and taken from here where it has not changed. */
type KnownPage = {
  readonly etag: string;
  readonly ids: readonly string[];
  readonly unreadable: number;
  readonly total: number | null;
  readonly next: string | null;
};
/** By address. */
export type KnownPages = Map<string, KnownPage>;

const MOST_PAGES = 100_000;
/** Changes are asked for from a little before the newest one seen: clocks over there differ among themselves. */
const OVERLAP_MS = 5 * 60_000;

type Records<C extends Collection> = Map<string, RecordOf[C]>;

type Walk<C extends Collection> = {
  readonly records: Records<C>;
  readonly gone: readonly string[];
  readonly received: number;
  readonly unchangedPages: number;
  readonly unreadable: number;
  readonly total: number | null;
};

const envelope = z.record(z.string(), z.unknown());

/** The rows of a page; people stand below `users` whatever was asked for. */
function rowsOf(collection: Collection, body: unknown): readonly unknown[] {
  const parsed = envelope.safeParse(body);
  const key = collection === 'teachers' || collection === 'students' ? 'users' : collection;
  const rows = z.array(z.unknown()).safeParse(parsed.success ? parsed.data[key] : undefined);
  if (!rows.success) throw new Trouble('failed', `The server's answer holds no ${key}: it is no OneRoster server.`);
  return rows.data;
}

/** Follows the pages from an address to the end. `before` is what a page that has not changed refers to. */
async function walk<C extends Collection>(
  collection: C,
  options: { client: Client; from: string; limit: number; before: Records<C>; known: KnownPages },
): Promise<Walk<C>> {
  const { client, limit, before, known } = options;
  const records: Records<C> = new Map();
  const gone: string[] = [];
  const visited = new Set<string>();
  let [received, unchangedPages, unreadable] = [0, 0, 0];
  let total: number | null = null;
  let offset = 0;
  let next: string | null = options.from;
  while (next !== null) {
    if (visited.has(next) || visited.size === MOST_PAGES)
      throw new Trouble('failed', `The server's pages of ${collection} go round in a circle.`);
    visited.add(next);
    const url: string = next;
    const remembered = known.get(url);
    const isWhole = remembered?.ids.every((id) => before.has(id)) === true;
    const answer = await client.get(url, isWhole ? remembered.etag : null);
    if (!answer.isNew && remembered !== undefined) {
      for (const id of remembered.ids) {
        const record = before.get(id);
        if (record !== undefined) records.set(id, record);
      }
      unchangedPages += 1;
      unreadable += remembered.unreadable;
      offset += remembered.ids.length + remembered.unreadable;
      total = answer.total ?? remembered.total;
      next = answer.next ?? remembered.next;
      continue;
    }
    const rows = rowsOf(collection, answer.body);
    const ids: string[] = [];
    let bad = 0;
    for (const row of rows) {
      const goneNow = goneId(row);
      const record = goneNow === null ? read(collection, row) : null;
      if (goneNow !== null) gone.push(goneNow);
      else if (record === null) bad += 1;
      else {
        records.set(record.id, record);
        ids.push(record.id);
      }
    }
    received += rows.length;
    unreadable += bad;
    offset += rows.length;
    total = answer.total ?? total;
    next = answer.isLinked ? answer.next : withoutLink(url, { rows: rows.length, offset, limit, total });
    if (answer.etag !== null && rows.length === ids.length + bad)
      known.set(url, { etag: answer.etag, ids, unreadable: bad, total, next });
  }
  return { records, gone, received, unchangedPages, unreadable, total };
}

/** Where to go on when a server sends no Link: by offset, until it has sent what it says that there is. */
function withoutLink(
  url: string,
  seen: { rows: number; offset: number; limit: number; total: number | null },
): string | null {
  const isAll = seen.total === null ? seen.rows < seen.limit : seen.offset >= seen.total;
  if (seen.rows === 0 || isAll) return null;
  const following = new URL(url);
  following.searchParams.set('offset', String(seen.offset));
  return following.href;
}

/** The newest modification date, never one that lies ahead: such a date would hide every change until then. */
function newestOf(records: Iterable<{ modified: string }>, now: number): string | null {
  let newest = 0;
  for (const { modified } of records) {
    const at = Date.parse(modified);
    if (Number.isFinite(at) && at <= now && at > newest) newest = at;
  }
  return newest === 0 ? null : new Date(newest).toISOString();
}

type Arrived<C extends Collection> = { readonly records: Records<C>; readonly outcome: Outcome };

type PullOptions = { source: Source; client: Client; known: KnownPages; now: number; everything: boolean };

async function wholly<C extends Collection>(collection: C, options: PullOptions): Promise<Arrived<C>> {
  const { source, client, known } = options;
  const from = new URL(`${source.baseUrl}/${collection}`);
  from.searchParams.set('limit', String(source.limit));
  const before = byId(source.roster, collection);
  const once = (): Promise<Walk<C>> =>
    walk(collection, { client, from: from.href, limit: source.limit, before, known });
  const lacks = ({ records, unreadable, total }: Walk<C>): boolean =>
    total !== null && records.size + unreadable !== total;
  let found = await once();
  // The school may have changed under way: once more, then it is the server that miscounts.
  if (lacks(found)) found = await once();
  if (lacks(found))
    throw new Trouble(
      'failed',
      `The server says that there are ${found.total ?? 0} ${collection} but sent ${found.records.size}; nothing was taken over.`,
    );
  const { records, received, unchangedPages, unreadable, total } = found;
  return { records, outcome: { collection, how: 'full', received, unchangedPages, unreadable, total } };
}

/** What changed since the last time; null where the server cannot tell, or where it then would not add up. */
async function changed<C extends Collection>(
  collection: C,
  cursor: string,
  options: PullOptions,
): Promise<Arrived<C> | null> {
  const { source, client, known } = options;
  const since = new Date(Date.parse(cursor) - OVERLAP_MS).toISOString();
  const from = new URL(`${source.baseUrl}/${collection}`);
  from.searchParams.set('limit', String(source.limit));
  from.searchParams.set('filter', `dateLastModified>'${since}'`);
  const whole = new URL(`${source.baseUrl}/${collection}`);
  whole.searchParams.set('limit', '1');
  const before = byId(source.roster, collection);
  try {
    const found = await walk(collection, { client, from: from.href, limit: source.limit, before, known });
    const records: Records<C> = new Map([...before, ...found.records]);
    for (const id of found.gone) records.delete(id);
    const { total } = await client.get(whole.href);
    if (total !== records.size) return null;
    const { received, unchangedPages, unreadable } = found;
    return { records, outcome: { collection, how: 'delta', received, unchangedPages, unreadable, total } };
  } catch (error) {
    if (error instanceof Trouble && error.kind === 'filter') return null;
    throw error;
  }
}

function byId<C extends Collection>(roster: Roster, collection: C): Records<C> {
  return new Map(roster[collection].map((record) => [record.id, record]));
}

async function arrive<C extends Collection>(collection: C, options: PullOptions): Promise<Arrived<C>> {
  const cursor = options.source.cursors[collection];
  const delta = options.everything || cursor === undefined ? null : await changed(collection, cursor, options);
  return delta ?? wholly(collection, options);
}

/** A school may share a part alone: what is refused is not there, and the rest is taken. */
async function arriveOrNot<C extends Collection>(collection: C, options: PullOptions): Promise<Arrived<C>> {
  try {
    return await arrive(collection, options);
  } catch (error) {
    if (!(error instanceof Trouble) || error.kind !== 'forbidden') throw error;
    const nothing = { received: 0, unchangedPages: 0, unreadable: 0, total: null };
    return { records: new Map(), outcome: { collection, how: 'not-shared', ...nothing } };
  }
}

/** What a pull brings: the roster as it is now, where to go on from, and how each collection came. Throws `Trouble`. */
export async function pullFrom(
  options: PullOptions,
): Promise<{ roster: Roster; cursors: Source['cursors']; outcomes: Outcome[] }> {
  const cursors: Source['cursors'] = {};
  const outcomes: Outcome[] = [];
  const take = async <C extends Collection>(collection: C): Promise<RecordOf[C][]> => {
    const { records, outcome } = await arriveOrNot(collection, options);
    outcomes.push(outcome);
    const cursor = newestOf(records.values(), options.now);
    if (cursor !== null && outcome.how !== 'not-shared') cursors[collection] = cursor;
    return [...records.values()];
  };
  const roster: Roster = {
    orgs: await take('orgs'),
    academicSessions: await take('academicSessions'),
    courses: await take('courses'),
    classes: await take('classes'),
    teachers: await take('teachers'),
    students: await take('students'),
    enrollments: await take('enrollments'),
  };
  if (outcomes.every(({ how }) => how === 'not-shared'))
    throw new Trouble('forbidden', 'The school shares nothing with this client (403).');
  return { roster, cursors, outcomes };
}
