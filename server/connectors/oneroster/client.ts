import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Session } from '#server/connectors/contract.ts';
import { type Answer, ask, refuseStatus, unreadable } from '#server/connectors/exchange/ask.ts';
import { createDeviations, type DeviationKey, type Deviations } from '#server/connectors/exchange/deviations.ts';
import { isObject, own } from '#server/connectors/exchange/foreign-text.ts';
import { nextLink } from '#server/connectors/exchange/link-header.ts';
import { follow, startTrail, trailSchema } from '#server/connectors/exchange/repeat-detection.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import { signedHeader } from './oauth1.ts';
import type { Path } from './questions.ts';
import { type Permission, type Secret, type Settings, scopesOf } from './settings.ts';
import { buyToken } from './token.ts';
import { codeMinorOf } from './wire.ts';

export type OneRosterSession = Session<Settings, Secret>;

/** Records asked for at once; a provider may give fewer. */
export const pageSize = 1000;

/** A list as it is asked for: role words and moments in the filter, never a value that could name a person. */
export interface Asked {
  readonly path: Path;
  readonly filter: string | null;
  /** One list of several that make up a collection. */
  readonly isPart?: boolean;
}

export const cursorSchema = z.object({
  /** Query of the page to ask for; the path is always ours. */
  query: z.string(),
  /** Records before that page. */
  offset: z.int().min(0),
  limit: z.int().min(1),
  page: z.int().min(0),
  sorted: z.boolean(),
  /** Whether the provider has given a total or a Link header on a page so far. */
  spoke: z.boolean(),
  /** The page is asked for because a link said so, not because we count. */
  byLink: z.boolean(),
  trail: trailSchema,
  /** Of the ids of the page before. */
  print: z.string().nullable(),
});
export type Cursor = z.infer<typeof cursorSchema>;

export interface RawPage {
  readonly rows: readonly unknown[];
  readonly total: number | null;
  /** Where to go on; null on the last page. */
  readonly next: Cursor | null;
  readonly end: 'said' | 'assumed' | 'doubtful' | null;
  readonly deviations: Deviations;
}

export interface Batch {
  readonly rows: readonly unknown[];
  readonly total: number | null;
  /** Undefined without a Link header, null where it names no next page. */
  readonly next: string | null | undefined;
}

/** Spaces as `%20`: some servers take `+` for what it is. */
const textOfQuery = (parameters: URLSearchParams) => parameters.toString().replaceAll('+', '%20');

const queryOf = ({ filter }: Asked, offset: number, limit: number, sorted: boolean) =>
  textOfQuery(
    new URLSearchParams({
      limit: String(limit),
      offset: String(offset),
      // By id also in a delta: what changes meanwhile moves behind what was read when it is sorted by modification, and pushes
      // others out of sight; and one moment is shared by many rows, whose order several servers change from page to page.
      ...(sorted ? { sort: 'sourcedId', orderBy: 'asc' } : {}),
      ...(filter === null ? {} : { filter }),
    }),
  );

/**
 * Reads a list page by page (reference §9): by `Link: rel="next"` where there is one, else by offset until the total is
 * reached or a page is empty. A link is followed with our own origin and path, so that it leads nowhere else.
 * @throws CrosswalkError whatever a call throws; `foreign-answer-unreadable` where the same page comes again and again
 */
export async function* readPages(
  session: OneRosterSession,
  asked: Asked,
  from: Cursor | null,
): AsyncGenerator<RawPage> {
  const deviations = createDeviations();
  let state = from ?? startOf(asked);
  let left: readonly DeviationKey[] = [];
  for (;;) {
    let batch: Batch;
    try {
      batch = await readBatch(session, asked.path, state.query, deviations);
      // Where nothing else tells the end, an empty page is asked for once more: one that is empty by accident would pass for it. A list that is
      // empty from its beginning is no evidence by itself, but beside its other parts it would be.
      if (
        (state.page > 0 || asked.isPart === true) &&
        !state.spoke &&
        batch.rows.length === 0 &&
        batch.total === null &&
        batch.next === undefined
      ) {
        batch = await readBatch(session, asked.path, state.query, deviations);
      }
    } catch (error) {
      if (state.page > 0 && !state.spoke && isCrosswalkError(error, 'foreign-not-found')) {
        // A server that tells neither total nor link may answer so past the end.
        deviations.note('end-as-not-found');
        yield { rows: [], total: null, next: null, end: 'assumed', deviations };
        return;
      }
      const simpler = isCrosswalkError(error) ? withoutExtras(state, error, asked) : null;
      if (simpler === null) throw error;
      state = simpler.state;
      left = [...left, simpler.left];
      continue;
    }
    // Only now is it known that what was left out was what the server disliked.
    for (const key of left) deviations.note(key);
    left = [];
    const step = nextStep(session, asked, state, batch, deviations);
    yield { rows: step.rows, total: batch.total, next: step.next, end: step.end, deviations };
    if (step.next === null) return;
    state = step.next;
  }
}

/** The first records of a list, for a proof or a preview. */
export function readFirst(
  session: OneRosterSession,
  asked: Asked,
  limit: number,
  deviations: Deviations,
): Promise<Batch> {
  return readBatch(session, asked.path, queryOf(asked, 0, limit, false), deviations);
}

function startOf(asked: Asked): Cursor {
  const query = queryOf(asked, 0, pageSize, true);
  return {
    query,
    offset: 0,
    limit: pageSize,
    page: 0,
    sorted: true,
    spoke: false,
    byLink: false,
    trail: startTrail(`${asked.path}?${query}`),
    print: null,
  };
}

/** A server that refuses the first page may only dislike that we sort, or how much we ask for at once. */
function withoutExtras(
  state: Cursor,
  error: CrosswalkError,
  asked: Asked,
): { state: Cursor; left: DeviationKey } | null {
  if (state.page > 0 || (error.details.status !== 400 && error.details.status !== 422)) return null;
  if (error.details.foreignCode === 'invalidfilterfield') return null;
  if (state.sorted) {
    return { state: { ...state, sorted: false, query: queryOf(asked, 0, state.limit, false) }, left: 'sort-refused' };
  }
  if (state.limit <= 100) return null;
  return { state: { ...state, limit: 100, query: queryOf(asked, 0, 100, false) }, left: 'limit-refused' };
}

interface Step {
  readonly rows: readonly unknown[];
  readonly next: Cursor | null;
  readonly end: RawPage['end'];
}

function nextStep(
  session: OneRosterSession,
  asked: Asked,
  state: Cursor,
  { rows, total, next }: Batch,
  deviations: Deviations,
): Step {
  const { path } = asked;
  const offset = state.offset + rows.length;
  const spoke = state.spoke || total !== null || next !== undefined;
  if (total === null) deviations.note('total-missing');
  if (next === undefined && (total === null || offset < total)) deviations.note('link-missing');
  const ended = (end: RawPage['end'], kept: readonly unknown[] = rows): Step => ({ rows: kept, next: null, end });
  if (rows.length === 0) {
    if (total !== null) return ended(offset >= total ? 'said' : 'doubtful');
    if (next === null) return ended('said');
    // Some link onward for ever; a header that was there before and is not now was cut off with the records.
    return ended(typeof next === 'string' || !spoke ? 'assumed' : 'doubtful');
  }
  const print = printOf(rows);
  const goOn = (query: string, byLink: boolean, trail = state.trail): Step => ({
    rows,
    next: { ...state, query, offset, page: state.page + 1, spoke, byLink, trail, print },
    end: null,
  });
  const linked = typeof next === 'string' ? queryOfLink(session, asked, state.query, next, deviations) : null;
  if (linked !== null) {
    const trail = follow(state.trail, `${path}?${linked}`);
    if (trail !== null) return goOn(linked, true, trail);
    deviations.note('next-link-repeated');
    return ended(total !== null && offset >= total ? 'said' : 'doubtful');
  }
  const byOffset = () => goOn(queryOf(asked, offset, state.limit, state.sorted), false);
  if (next === null) {
    if (total === null || offset >= total) return ended('said');
    deviations.note('next-link-missing');
    return byOffset();
  }
  if (!state.byLink && state.print === print) {
    // The same page again. A short first page twice is a server that knows no offset and has given everything.
    if (state.page === 1 && rows.length < state.limit) {
      deviations.note('offset-ignored');
      return ended(total === null || total <= rows.length ? 'assumed' : 'doubtful', []);
    }
    throw new CrosswalkError('foreign-answer-unreadable', {
      details: { host: new URL(session.settings.baseUrl).hostname, problem: 'page-repeated', collection: path },
    });
  }
  if (total !== null) {
    if (offset < total) return byOffset();
    // Some servers give the size of the page as the total: a first page that is exactly full proves nothing.
    return state.page === 0 && total === state.limit ? byOffset() : ended('said');
  }
  if (rows.length > state.limit) {
    deviations.note('limit-ignored');
    return ended('assumed');
  }
  if (rows.length < state.limit && state.page === 0) deviations.note('short-page');
  return byOffset();
}

function printOf(rows: readonly unknown[]): string {
  const ids = rows.map((row) => (isObject(row) ? String(own(row, 'sourcedId')) : ''));
  return createHash('sha256').update(ids.join('\n')).digest('base64url').slice(0, 16);
}

/**
 * What a `next` link asks for, to be asked of our own address; null for a link to another host, which is not followed: pages are
 * counted then. A plain-http form of our own host is read as https. Several servers drop order and filter from their links: they are put
 * back, else a question for some would be one for all from its second page on.
 */
function queryOfLink(
  session: OneRosterSession,
  asked: Asked,
  query: string,
  link: string,
  deviations: Deviations,
): string | null {
  const own = new URL(`${session.settings.baseUrl}/${asked.path}`);
  let url = URL.parse(link, own);
  if (url === null) return null;
  if (url.protocol === 'http:' && own.protocol === 'https:' && url.hostname === own.hostname) {
    deviations.note('next-link-without-tls');
    url = new URL(own.origin + url.pathname + url.search);
  }
  if (originOf(url) !== originOf(own)) {
    deviations.note('next-link-foreign');
    return null;
  }
  if (!/^https?:/i.test(link)) deviations.note('next-link-relative');
  if (url.pathname.replace(/\/+$/, '') !== own.pathname) deviations.note('next-link-other-path');
  if (url.searchParams.has('offset')) {
    for (const name of ['sort', 'orderBy']) {
      const value = new URLSearchParams(query).get(name);
      if (value === null || url.searchParams.has(name)) continue;
      deviations.note('next-link-drops-parameters');
      url.searchParams.set(name, value);
    }
    if (asked.filter !== null && url.searchParams.get('filter') !== asked.filter) {
      deviations.note('next-link-drops-filter');
      url.searchParams.set('filter', asked.filter);
    }
  }
  return textOfQuery(url.searchParams);
}

async function readBatch(session: OneRosterSession, path: Path, query: string, deviations: Deviations): Promise<Batch> {
  const { settings, secret } = session;
  if (settings.authorization !== 'oauth2') {
    const url = `${settings.baseUrl}/${path}?${query}`;
    return get(session, path, url, signedHeader(settings.authorization, secret, url, session.clock.now()), deviations);
  }
  const permission: Permission = path === 'demographics' ? 'demographics' : 'core';
  const renew = (current: Parameters<typeof buyToken>[3]) => buyToken(session, settings, secret, current, permission);
  const read = ({ accessToken }: { readonly accessToken: string }) =>
    get(session, path, `${settings.baseUrl}/${path}?${query}`, `Bearer ${accessToken}`, deviations);
  let tokens = await session.tokens(renew);
  // A token is bought for what is read with it; only demographics have a scope of their own (reference §2).
  const lacks = permission === 'demographics' && tokens.scopes?.some((scope) => /demographics/i.test(scope)) === false;
  if (lacks && settings.scope === undefined) tokens = await session.tokens(renew, tokens.accessToken);
  try {
    return await read(tokens);
  } catch (error) {
    const isUnknown =
      permission === 'demographics' && tokens.scopes === null && isCrosswalkError(error, 'scope-missing');
    if (!isUnknown && !isCrosswalkError(error, 'credential-refused')) throw error;
    // Once: a token that was bought this moment and is refused again is no matter of age.
    return read(await session.tokens(renew, tokens.accessToken));
  }
}

function get(
  session: OneRosterSession,
  path: Path,
  url: string,
  authorization: string,
  deviations: Deviations,
): Promise<Batch> {
  return ask(session, { url, headers: { authorization }, origin: originOf(session.settings.baseUrl) }, (answer) => {
    refuse(session, answer, path);
    const rows = rowsOf(answer, path, deviations);
    return {
      value: { rows, total: totalOf(answer, deviations), next: nextLink(answer.headers.link) },
      rows: rows.length,
    };
  });
}

function refuse(session: OneRosterSession, answer: Answer, path: Path): void {
  const now = session.clock.now();
  if (answer.status === 200) return;
  const code = codeMinorOf(answer.json);
  const details = { collection: path, ...(code === null ? {} : { foreignCode: code }) };
  if (answer.status === 403) {
    // Some servers know no 401.
    if (code === 'unauthorized' || code === 'unauthorisedrequest')
      refuseStatus({ ...answer, status: 401 }, now, details);
    const throttled = code === 'serverbusy' || 'retry-after' in answer.headers;
    if (throttled) refuseStatus({ ...answer, status: 429 }, now, details);
    throw new CrosswalkError('scope-missing', {
      details: {
        host: answer.host,
        status: 403,
        ...details,
        scopes: scopesOf(session.settings, path === 'demographics' ? 'demographics' : 'core'),
      },
    });
  }
  refuseStatus(answer, now, details);
  throw unreadable(answer, 'unexpected-status', details);
}

function rowsOf(answer: Answer, path: Path, deviations: Deviations): readonly unknown[] {
  const { json } = answer;
  if (Array.isArray(json)) {
    deviations.note('envelope-missing');
    return json;
  }
  if (!isObject(json)) throw unreadable(answer, 'not-json', { collection: path });
  const named = own(json, path === 'teachers' || path === 'students' ? 'users' : path);
  if (Array.isArray(named)) return named;
  const lists = Object.entries(json).filter(
    ([name, value]) => Array.isArray(value) && name !== 'statusInfoSet' && name !== 'errors',
  );
  const [only] = lists;
  if (lists.length === 1 && only !== undefined && Array.isArray(only[1])) {
    deviations.note('envelope-name');
    return only[1];
  }
  const code = codeMinorOf(json);
  throw unreadable(answer, 'no-collection', { collection: path, ...(code === null ? {} : { foreignCode: code }) });
}

function totalOf(answer: Answer, deviations: Deviations): number | null {
  const text = answer.headers['x-total-count'];
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text);
  deviations.note('total-unreadable');
  return null;
}
