import { z } from 'zod';
import type { Session } from '#server/connectors/contract.ts';
import { type Answer, ask, refuseStatus, unreadable } from '#server/connectors/exchange/ask.ts';
import type { DeviationKey, Deviations } from '#server/connectors/exchange/deviations.ts';
import { nextLink } from '#server/connectors/exchange/link-header.ts';
import { follow, startTrail, trailSchema } from '#server/connectors/exchange/repeat-detection.ts';
import { CrosswalkError, isCrosswalkError } from '#server/kernel/errors.ts';
import { assertSameOrigin, type Method, type OutboundRequest, originOf } from '#server/kernel/outbound/client.ts';
import type { Secret, Settings } from './settings.ts';
import { isThrottled, refresh } from './token.ts';
import { type Account, accountSchema, refusalSchema, termsSchema } from './wire.ts';

export type CanvasSession = Session<Settings, Secret>;

/** Canvas caps pages at 100 records. */
export const pageSize = 100;

export interface CanvasPage {
  readonly json: unknown;
  /** Query of the next page; null on the last, undefined where there is no Link header at all. */
  readonly next: string | null | undefined;
}

/**
 * One page of a route. A `next` link is held to our origin and followed with our own path.
 * @throws CrosswalkError `credential-refused`, `scope-missing` with the scope's name, `rights-missing`, `foreign-throttled`, …
 */
export async function getPage(
  session: CanvasSession,
  path: string,
  query: string,
  scope: string,
  deviations: Deviations,
): Promise<CanvasPage> {
  return withToken(session, (accessToken) => get(session, path, query, scope, accessToken, deviations));
}

/** Asks with the token in hand, and once more with a new one where that was refused. */
async function withToken<T>(session: CanvasSession, asks: (accessToken: string) => Promise<T>): Promise<T> {
  const { accessToken } = await session.tokens((current) => refresh(session, current));
  try {
    return await asks(accessToken);
  } catch (error) {
    if (!isCrosswalkError(error, 'credential-refused')) throw error;
    const renewed = await session.tokens((current) => refresh(session, current), accessToken);
    return asks(renewed.accessToken);
  }
}

/** A call that is no page: one record, or a change. */
export interface CanvasCall {
  readonly method: Method;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: OutboundRequest['body'];
  /** The developer key's word for the route. */
  readonly scope: string;
  readonly timeoutMs?: number;
  /** A status that is an answer here and no refusal. */
  readonly accepts?: number;
}

/** What a call answered, as JSON; null where it was the status that `accepts` names. @throws as `getPage` */
export function callCanvas(session: CanvasSession, call: CanvasCall): Promise<unknown> {
  const { method, path, contentType, body, scope, timeoutMs, accepts } = call;
  return withToken(session, (accessToken) =>
    ask(
      session,
      {
        url: `${session.settings.baseUrl}${path}`,
        method,
        headers: {
          authorization: `Bearer ${accessToken}`,
          accept: 'application/json+canvas-string-ids',
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
        },
        ...(body === undefined ? {} : { body }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        origin: originOf(session.settings.baseUrl),
      },
      (answer) => {
        if (answer.status === accepts) return { value: null, rows: null };
        refuse(session, answer, scope);
        if (answer.json === undefined || answer.json === null) throw unreadable(answer, 'not-json');
        return { value: answer.json, rows: null };
      },
    ),
  );
}

function get(
  session: CanvasSession,
  path: string,
  query: string,
  scope: string,
  accessToken: string,
  deviations: Deviations,
): Promise<CanvasPage> {
  const url = `${session.settings.baseUrl}${path}?${query}`;
  return ask(
    session,
    {
      url,
      headers: { authorization: `Bearer ${accessToken}`, accept: 'application/json+canvas-string-ids' },
      origin: originOf(session.settings.baseUrl),
    },
    (answer) => {
      refuse(session, answer, scope);
      if (answer.json === undefined || answer.json === null) throw unreadable(answer, 'not-json');
      const link = nextLink(answer.headers.link);
      const next = typeof link === 'string' ? queryOfLink(link, url, deviations) : link;
      return { value: { json: answer.json, next }, rows: Array.isArray(answer.json) ? answer.json.length : null };
    },
  );
}

function refuse(session: CanvasSession, answer: Answer, scope: string): void {
  const now = session.clock.now();
  if (answer.status === 200) return;
  if (isThrottled(answer)) refuseStatus({ ...answer, status: 429 }, now);
  const details = { host: answer.host, status: answer.status };
  // Canvas answers 401 to three things: a dead token (with this header), a missing right, a scope that the key lacks.
  if (answer.status === 401 && !('www-authenticate' in answer.headers)) {
    const body = refusalSchema.safeParse(answer.json);
    if (body.success && body.data.status === undefined && body.data.errors !== undefined) {
      throw new CrosswalkError('scope-missing', { details: { ...details, scopes: [scope] } });
    }
    throw new CrosswalkError('rights-missing', { details: { ...details, scopes: [scope] } });
  }
  refuseStatus(answer, now);
  throw unreadable(answer, 'unexpected-status');
}

function queryOfLink(link: string, from: string, deviations: Deviations): string {
  const checked = assertSameOrigin(link, from);
  if (checked.pathname !== new URL(from).pathname) deviations.note('next-link-other-path');
  return checked.searchParams.toString();
}

/** All pages of a short list: accounts, terms. Bounded, since neither is ever long. */
async function getAll<T>(
  session: CanvasSession,
  path: string,
  scope: string,
  read: (json: unknown) => readonly T[],
  deviations: Deviations,
): Promise<T[]> {
  const found: T[] = [];
  let query: string | null | undefined = new URLSearchParams({ per_page: String(pageSize) }).toString();
  for (let page = 0; typeof query === 'string' && page < 200; page++) {
    const answer: CanvasPage = await getPage(session, path, query, scope, deviations);
    found.push(...read(answer.json));
    query = answer.next;
  }
  return found;
}

/** A list of records of one shape. @throws CrosswalkError `foreign-answer-unreadable` */
export const listOf =
  <S extends z.ZodType>(schema: S) =>
  (json: unknown): z.infer<S>[] => {
    const parsed = z.array(schema).safeParse(json);
    if (parsed.success) return parsed.data;
    throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });
  };

/** The accounts that the consenting person administers, without those that lie below another of them. */
export async function topAccounts(session: CanvasSession, deviations: Deviations): Promise<Account[]> {
  const all = await getAll(session, '/api/v1/accounts', 'url:GET|/api/v1/accounts', listOf(accountSchema), deviations);
  const ids = new Set(all.map((account) => account.id));
  const tops = all.filter((account) => !ids.has(account.parent_account_id ?? ''));
  return [...new Map(tops.map((account) => [account.id, account])).values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The root account, where SIS imports, terms and users are at home. @throws CrosswalkError `rights-missing` where it is not administered */
export async function rootAccount(session: CanvasSession, deviations: Deviations): Promise<string> {
  const tops = await topAccounts(session, deviations);
  const root = tops.find((account) => (account.parent_account_id ?? null) === null);
  if (root !== undefined) return root.id;
  const problem = tops.length === 0 ? 'no-account-administered' : 'root-account-needed';
  throw new CrosswalkError('rights-missing', { details: { problem } });
}

/** Names of accounts and terms by their ids; what may not be read is left out and noted. */
export interface Names {
  readonly accounts: ReadonlyMap<string, string>;
  readonly terms: ReadonlyMap<string, string>;
}

export async function readNames(
  session: CanvasSession,
  tops: readonly Account[],
  deviations: Deviations,
): Promise<Names> {
  const accounts = new Map(tops.map((account) => [account.id, account.name]));
  const terms = new Map<string, string>();
  const tolerant = async (deviation: DeviationKey, read: () => Promise<void>) => {
    try {
      await read();
    } catch (error) {
      if (!isCrosswalkError(error) || !['rights-missing', 'scope-missing', 'foreign-not-found'].includes(error.code))
        throw error;
      deviations.note(deviation);
    }
  };
  for (const { id } of tops) {
    const base = `/api/v1/accounts/${encodeURIComponent(id)}`;
    await tolerant('sub-accounts-not-readable', async () => {
      const scope = 'url:GET|/api/v1/accounts/:account_id/sub_accounts';
      for (const below of await getAll(session, `${base}/sub_accounts`, scope, listOf(accountSchema), deviations)) {
        accounts.set(below.id, below.name);
      }
    });
  }
  for (const root of new Set(tops.map((account) => account.root_account_id ?? account.id))) {
    const path = `/api/v1/accounts/${encodeURIComponent(root)}/terms`;
    await tolerant('terms-not-readable', async () => {
      const read = (json: unknown) => {
        const parsed = termsSchema.safeParse(json);
        if (parsed.success) return parsed.data.enrollment_terms;
        throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });
      };
      const scope = 'url:GET|/api/v1/accounts/:account_id/terms';
      for (const term of await getAll(session, path, scope, read, deviations)) terms.set(term.id, term.name ?? '');
    });
  }
  return { accounts, terms };
}

const cursorSchema = z.object({
  /** Ids of the accounts whose courses are still to be read, the one under way first. */
  accounts: z.array(z.string()).min(1),
  query: z.string(),
  /** Number of the page within this account, from 1. */
  page: z.int().min(1),
  spoke: z.boolean(),
  /** Once in doubt, the whole fetch is. */
  doubtful: z.boolean(),
  trail: trailSchema,
});
type Cursor = z.infer<typeof cursorSchema>;

const coursesPath = (account: string) => `/api/v1/accounts/${encodeURIComponent(account)}/courses`;
const firstQuery = new URLSearchParams({ per_page: String(pageSize) }).toString();
const startOf = (accounts: string[], state: Pick<Cursor, 'spoke' | 'doubtful'>): Cursor => ({
  ...state,
  accounts,
  query: firstQuery,
  page: 1,
  trail: startTrail(`${coursesPath(accounts[0] ?? '')}?${firstQuery}`),
});

export interface RawCourses {
  readonly rows: readonly unknown[];
  readonly cursor: string | null;
  readonly end: 'said' | 'assumed' | 'doubtful' | null;
}

/** The courses of all accounts, page by page (Canvas: `Link` with `rel="next"`, opaque addresses). */
export async function* readCourses(
  session: CanvasSession,
  tops: readonly Account[],
  cursor: string | null,
  deviations: Deviations,
): AsyncGenerator<RawCourses> {
  let state =
    cursor === null
      ? startOf(
          tops.map((account) => account.id),
          { spoke: false, doubtful: false },
        )
      : cursorOf(cursor);
  for (;;) {
    const [account, ...others] = state.accounts;
    if (account === undefined) return;
    const path = coursesPath(account);
    const scope = 'url:GET|/api/v1/accounts/:account_id/courses';
    const { json, next } = await getPage(session, path, state.query, scope, deviations);
    if (!Array.isArray(json)) {
      throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'another-shape' } });
    }
    const spoke = state.spoke || next !== undefined;
    const following = nextOf(state, path, json.length, next, deviations);
    const doubtful = state.doubtful || following.doubtful;
    let onward: Cursor | null = null;
    if (following.cursor !== null) onward = { ...following.cursor, spoke, doubtful };
    else if (others.length > 0) onward = startOf(others, { spoke, doubtful });
    yield {
      rows: json,
      cursor: onward === null ? null : JSON.stringify(onward),
      end: onward !== null ? null : doubtful ? 'doubtful' : spoke ? 'said' : 'assumed',
    };
    if (onward === null) return;
    state = onward;
  }
}

function nextOf(
  state: Cursor,
  path: string,
  rows: number,
  next: string | null | undefined,
  deviations: Deviations,
): { cursor: Cursor | null; doubtful: boolean } {
  if (typeof next === 'string') {
    const trail = follow(state.trail, `${path}?${next}`);
    if (trail !== null) return { cursor: { ...state, query: next, page: state.page + 1, trail }, doubtful: false };
    deviations.note('next-link-repeated');
    return { cursor: null, doubtful: true };
  }
  if (next === null) return { cursor: null, doubtful: false };
  // No Link header at all: Canvas always sends one, so something before it took it away.
  deviations.note('link-missing');
  if (rows === 0) return { cursor: null, doubtful: state.spoke };
  const page = new URLSearchParams(state.query).get('page') ?? '1';
  if (!/^\d+$/.test(page)) {
    throw new CrosswalkError('foreign-answer-unreadable', { details: { problem: 'paging-lost' } });
  }
  const query = new URLSearchParams({ per_page: String(pageSize), page: String(Number(page) + 1) }).toString();
  return { cursor: { ...state, query, page: state.page + 1 }, doubtful: false };
}

function cursorOf(text: string): Cursor {
  const parsed = cursorSchema.safeParse(JSON.parse(text));
  if (!parsed.success) throw new CrosswalkError('internal', { details: { problem: 'cursor-unreadable' } });
  return parsed.data;
}
