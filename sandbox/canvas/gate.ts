/** What stands before every route of `/api/v1`: token, quota, scope, right, and how a page and an error are written. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import type { Clock } from '../lib/clock.ts';
import type { Env } from '../lib/server.ts';
import { writeJson } from './ids.ts';
import type { Mails } from './mails.ts';
import type { Account, CanvasModel, Course, User } from './model.ts';
import type { AccessToken, CanvasOAuth } from './oauth.ts';
import type { ImportSettings, SisImports } from './sis/imports.ts';

/** Behaviour that differs between Canvas installs. */
export type CanvasSettings = ImportSettings & {
  /** False: challenges are forgotten, so that a verifier fails. */
  pkce: boolean;
  /** What an unpermitted call gets: 401 with `status: unauthorized`, or 403 with the same body as newer installs. */
  forbiddenStatus: 401 | 403;
  /** What a throttled call gets. */
  throttleStatus: 429 | 403;
  /** Size of the request quota of a token; a call costs about 1 plus 0.05 a row. */
  quota: number;
  /** How much of the quota comes back per second. */
  refillPerSecond: number;
  /** Whether the account allows SIS imports at all. */
  sisImports: boolean;
  /** `in-process`: an upload is answered with 200 and an error inside, as the form for people does; nothing is kept. */
  uploadAnswer: 'import' | 'in-process';
  /** Whether errors of an import tell the row's content, as newer installs do. */
  errorsTellRows: boolean;
};

export const defaultSettings: CanvasSettings = {
  pkce: true,
  forbiddenStatus: 401,
  throttleStatus: 429,
  quota: 700,
  refillPerSecond: 10,
  sisImports: true,
  uploadAnswer: 'import',
  errorsTellRows: true,
  importSteps: 2,
  nextImport: 'as-it-is',
  authenticationProviders: ['canvas', 'google', '7'],
  selfServiceUserMerge: true,
};

type ErrorStatus = 400 | 401 | 403 | 404 | 422;

/** An answer that is no success, with Canvas's own body. */
export class Denied extends Error {
  override name = 'Denied';
  readonly status: ErrorStatus;
  readonly body: unknown;
  readonly isAuthentication: boolean;
  constructor(status: ErrorStatus, body: unknown, isAuthentication = false) {
    super(`Canvas answers ${status}`);
    this.status = status;
    this.body = body;
    this.isAuthentication = isAuthentication;
  }
}

export const errors = (message: string): unknown => ({ errors: [{ message }] });
export const notFound = (): Denied => new Denied(404, errors('The specified resource does not exist.'));
const invalidToken = (): Denied => new Denied(401, errors('Invalid access token.'), true);

export type ApiOptions = {
  model: CanvasModel;
  oauth: CanvasOAuth;
  settings: CanvasSettings;
  clock: Clock;
  imports: SisImports;
  mails: Mails;
  /** Called after a call changed a record. */
  onChange(): void;
};
export type Caller = { user: User; token: AccessToken; isRootAdmin: boolean; seesSis: boolean };

type Throttle = { used: number; at: number };

/** The leaky bucket of each token: what it has used leaks away with time. */
function createBuckets(
  clock: Clock,
  settings: CanvasSettings,
): { spend(key: string, cost: number): number; left(key: string): number } {
  const buckets = new Map<string, Throttle>();
  const current = (key: string): Throttle => {
    const now = clock.now();
    const bucket = buckets.get(key) ?? { used: 0, at: now };
    bucket.used = Math.max(0, bucket.used - ((now - bucket.at) / 1000) * settings.refillPerSecond);
    bucket.at = now;
    buckets.set(key, bucket);
    return bucket;
  };
  return {
    left: (key) => settings.quota - current(key).used,
    spend: (key, cost) => {
      const bucket = current(key);
      bucket.used += cost;
      return Math.max(0, settings.quota - bucket.used);
    },
  };
}

const PREFIXED = /^(hex:)?(sis_account_id|sis_course_id|sis_section_id|sis_term_id|sis_user_id|sis_login_id):(.*)$/s;

/** Splits `sis_course_id:ABC` and its hex form; a plain id has no prefix. */
export function parseId(text: string): { prefix: string | null; value: string } {
  const match = PREFIXED.exec(text);
  if (match === null) return { prefix: null, value: text };
  const [, hex, prefix = '', value = ''] = match;
  return { prefix, value: hex === undefined ? value : Buffer.from(value, 'hex').toString('utf8') };
}

export function lookUp<T extends { id: string; sisId: string | null }>(
  records: Map<string, T>,
  text: string,
  prefix: string,
  caller: Caller,
): T {
  const id = parseId(text);
  const found =
    id.prefix === null
      ? records.get(id.value)
      : id.prefix === prefix && caller.seesSis
        ? [...records.values()].find(({ sisId }) => sisId === id.value)
        : undefined;
  if (found === undefined) throw notFound();
  return found;
}

export type Gate = ReturnType<typeof createGate>;

/** The gate of one Canvas. */
export function createGate(options: ApiOptions) {
  const { model, oauth, settings, clock } = options;
  const buckets = createBuckets(clock, settings);

  const denied = (): Denied =>
    new Denied(settings.forbiddenStatus, {
      status: 'unauthorized',
      errors: [{ message: 'user not authorized to perform that action' }],
    });

  /** Who calls, if token and scope allow it. Checks stand in Canvas's order: token, quota, scope. */
  const enter = (c: Context<Env>, route: string): Caller => {
    const bearer = /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? c.req.query('access_token');
    if (bearer === undefined)
      throw new Denied(401, { status: 'unauthenticated', errors: [{ message: 'user authorization required' }] }, true);
    const token = oauth.tokenOf(bearer);
    const key = token === undefined ? undefined : oauth.key(token.keyId);
    const user = token === undefined ? undefined : model.users.get(token.userId);
    if (token === undefined || key === undefined || user === undefined) throw invalidToken();
    c.env.trace.client = key.name;
    if (key.enforceScopes && !(token.scopes ?? []).includes(`url:${c.req.method}|/api/v1${route}`)) {
      throw new Denied(401, errors('Insufficient scopes on access token.'));
    }
    return { user, token, isRootAdmin: user.adminOf.includes(model.rootId), seesSis: user.adminOf.length > 0 };
  };
  /** `include[]` is cut where a key that enforces scopes does not allow it. */
  const includesOf = (c: Context<Env>, caller: Caller): readonly string[] => {
    const key = oauth.key(caller.token.keyId);
    return key?.enforceScopes === true && !key.allowIncludes ? [] : (c.req.queries('include[]') ?? []);
  };
  /** Whoever administers an account administers what lies below it. */
  const administers = (user: User, accountId: string): boolean => {
    for (let at: string | null = accountId; at !== null; at = model.accounts.get(at)?.parentId ?? null)
      if (user.adminOf.includes(at)) return true;
    return false;
  };
  const administered = (c: Context<Env>, caller: Caller, name: string): Account => {
    const text = c.req.param(name) ?? '';
    const account =
      text === 'self' || text === 'default'
        ? model.accounts.get(model.rootId)
        : lookUp(model.accounts, text, 'sis_account_id', caller);
    if (account === undefined) throw notFound();
    if (!administers(caller.user, account.id)) throw denied();
    return account;
  };
  const mayRead = (caller: Caller, course: Course): boolean =>
    administers(caller.user, course.accountId) ||
    [...model.enrollments.values()].some(
      ({ userId, courseId, state }) => userId === caller.user.id && courseId === course.id && state === 'active',
    );

  const stringIds = (c: Context<Env>): boolean => (c.req.header('accept') ?? '').includes('json+canvas-string-ids');
  const write = (c: Context<Env>, value: unknown, status: 200 | ErrorStatus = 200): Response =>
    c.body(writeJson(value, stringIds(c)), status, { 'content-type': 'application/json; charset=utf-8' });

  /** One page of a list. `next` is opaque; `last` is given for short lists only. */
  const page = <T>(c: Context<Env>, records: readonly T[]): readonly T[] => {
    const wanted = Number(c.req.query('per_page') ?? '10');
    const size = Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, 100) : 10;
    const token = c.req.query('page') ?? '1';
    const number = Math.max(
      1,
      Number(token.startsWith('bookmark:') ? Buffer.from(token.slice(9), 'base64url').toString('utf8') : token) || 1,
    );
    const pages = Math.max(1, Math.ceil(records.length / size));
    const to = (rel: string, n: number): string => {
      const url = new URL(c.req.url);
      url.searchParams.delete('access_token');
      url.searchParams.set('page', n === 1 ? '1' : `bookmark:${Buffer.from(String(n)).toString('base64url')}`);
      url.searchParams.set('per_page', String(size));
      return `<${url.href}>; rel="${rel}"`;
    };
    const links = [to('current', number)];
    if (number < pages) links.push(to('next', number + 1));
    if (number > 1) links.push(to('prev', number - 1));
    links.push(to('first', 1));
    if (records.length <= 200) links.push(to('last', pages));
    c.header('Link', links.join(','));
    const rows = records.slice((number - 1) * size, number * size);
    c.env.trace.rows = rows.length;
    return rows;
  };

  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    const bearer = /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (buckets.left(bearer) <= 0) {
      c.header('X-Rate-Limit-Remaining', '0.0');
      c.header('X-Request-Cost', '0.0');
      return c.text(`${settings.throttleStatus} Forbidden (Rate Limit Exceeded)\n`, settings.throttleStatus);
    }
    await next();
    const cost = 1 + (c.env.trace.rows ?? 0) * 0.05;
    c.header('X-Request-Cost', cost.toFixed(4));
    c.header('X-Rate-Limit-Remaining', buckets.spend(bearer, cost).toFixed(4));
    return undefined;
  });

  app.onError((error, c) => {
    if (!(error instanceof Denied)) throw error;
    if (error.isAuthentication) c.header('WWW-Authenticate', 'Bearer realm="canvas-lms"');
    return write(c, error.body, error.status);
  });
  return { app, enter, denied, includesOf, administered, mayRead, write, page };
}
