/** `/api/v1`: accounts, terms, courses, sections and users as Canvas answers them. Source: Canvas LMS API documentation. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import type { Clock } from '../lib/clock.ts';
import type { Env } from '../lib/server.ts';
import { idText, writeJson } from './ids.ts';
import type { Account, CanvasModel, Course, Section, Term, User } from './model.ts';
import { accountsBelow } from './model.ts';
import type { AccessToken, CanvasOAuth } from './oauth.ts';

/** Behaviour that differs between Canvas installs. */
export type CanvasSettings = {
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
};

export const defaultSettings: CanvasSettings = {
  pkce: true,
  forbiddenStatus: 401,
  throttleStatus: 429,
  quota: 700,
  refillPerSecond: 10,
};

/** An answer that is no success, with Canvas's own body. */
class Denied extends Error {
  override name = 'Denied';
  readonly status: 400 | 401 | 403 | 404;
  readonly body: unknown;
  readonly isAuthentication: boolean;
  constructor(status: 400 | 401 | 403 | 404, body: unknown, isAuthentication = false) {
    super(`Canvas answers ${status}`);
    this.status = status;
    this.body = body;
    this.isAuthentication = isAuthentication;
  }
}

const errors = (message: string): unknown => ({ errors: [{ message }] });
const notFound = (): Denied => new Denied(404, errors('The specified resource does not exist.'));
const invalidToken = (): Denied => new Denied(401, errors('Invalid access token.'), true);

type Options = { model: CanvasModel; oauth: CanvasOAuth; settings: CanvasSettings; clock: Clock };
type Caller = { user: User; token: AccessToken; isRootAdmin: boolean; seesSis: boolean };

/** Scopes of the routes that this Canvas serves, in Canvas's spelling. */
export const servedScopes: readonly string[] = [
  'url:GET|/api/v1/accounts',
  'url:GET|/api/v1/accounts/:id',
  'url:GET|/api/v1/accounts/:account_id/sub_accounts',
  'url:GET|/api/v1/accounts/:account_id/courses',
  'url:GET|/api/v1/accounts/:account_id/terms',
  'url:GET|/api/v1/accounts/:account_id/terms/:id',
  'url:GET|/api/v1/accounts/:account_id/users',
  'url:GET|/api/v1/courses',
  'url:GET|/api/v1/courses/:id',
  'url:GET|/api/v1/courses/:course_id/sections',
  'url:GET|/api/v1/sections/:id',
  'url:GET|/api/v1/users/:id',
];

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

function lookUp<T extends { id: string; sisId: string | null }>(
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

/** The API of one Canvas. */
export function apiRoutes(options: Options): Hono<Env> {
  const { model, oauth, settings, clock } = options;
  const { school } = model;
  const app = new Hono<Env>();
  const buckets = createBuckets(clock, settings);
  const createdAt = `${school.schoolYear}-07-01T08:00:00Z`;

  const denied = (): Denied =>
    new Denied(settings.forbiddenStatus, {
      status: 'unauthorized',
      errors: [{ message: 'user not authorized to perform that action' }],
    });

  const wireAccount = (account: Account, caller: Caller): unknown => ({
    id: idText(account.id),
    name: account.name,
    uuid: `uuid${account.id.padStart(36, '0')}`,
    parent_account_id: account.parentId === null ? null : idText(account.parentId),
    root_account_id: account.parentId === null ? null : idText(model.rootId),
    workflow_state: 'active',
    default_time_zone: 'Europe/Amsterdam',
    ...(caller.seesSis
      ? {
          sis_account_id: account.sisId,
          sis_import_id: account.sisId === null ? null : idText('77'),
          integration_id: null,
        }
      : {}),
  });
  const wireTerm = (term: Term, caller: Caller): unknown => ({
    id: idText(term.id),
    name: term.name,
    start_at: term.start,
    end_at: term.end,
    created_at: createdAt,
    workflow_state: 'active',
    grading_period_group_id: null,
    ...(caller.seesSis ? { sis_term_id: term.sisId, sis_import_id: term.sisId === null ? null : idText('77') } : {}),
  });
  const wireSection = (section: Section, caller: Caller): unknown => {
    const course = model.courses.get(section.courseId);
    return {
      id: idText(section.id),
      name: section.name,
      course_id: idText(section.courseId),
      start_at: null,
      end_at: null,
      created_at: createdAt,
      restrict_enrollments_to_section_dates: false,
      nonxlist_course_id: null,
      ...(caller.seesSis
        ? {
            sis_section_id: section.sisId,
            sis_course_id: course?.sisId ?? null,
            integration_id: null,
            sis_import_id: section.sisId === null ? null : idText('77'),
          }
        : {}),
    };
  };
  const wireUser = (user: User, caller: Caller): Record<string, unknown> => ({
    id: idText(user.id),
    name: user.name,
    created_at: createdAt,
    sortable_name: user.sortableName,
    short_name: user.name,
    ...(caller.seesSis
      ? {
          sis_user_id: user.sisId,
          integration_id: null,
          sis_import_id: user.sisId === null ? null : idText('77'),
          login_id: user.login,
          email: user.email,
        }
      : {}),
  });
  const wireCourse = (course: Course, caller: Caller, includes: readonly string[]): unknown => {
    const term = model.terms.get(course.termId);
    const teacher = course.teacherId === null ? undefined : model.users.get(course.teacherId);
    const sections = course.sectionIds.map((id) => model.sections.get(id)).filter((section) => section !== undefined);
    return {
      id: idText(course.id),
      name: course.name,
      account_id: idText(course.accountId),
      uuid: course.uuid,
      start_at: null,
      end_at: null,
      grading_standard_id: null,
      is_public: false,
      created_at: createdAt,
      course_code: course.code,
      default_view: 'modules',
      root_account_id: idText(model.rootId),
      enrollment_term_id: idText(course.termId),
      license: 'private',
      grade_passback_setting: null,
      time_zone: 'Europe/Amsterdam',
      blueprint: false,
      template: false,
      apply_assignment_group_weights: false,
      restrict_enrollments_to_course_dates: false,
      workflow_state: course.state,
      ...(caller.seesSis
        ? {
            sis_course_id: course.sisId,
            sis_import_id: course.sisId === null ? null : idText('77'),
            integration_id: null,
          }
        : {}),
      ...(includes.includes('term') && term !== undefined ? { term: wireTerm(term, caller) } : {}),
      ...(includes.includes('teachers')
        ? { teachers: teacher === undefined ? [] : [{ id: idText(teacher.id), display_name: teacher.name }] }
        : {}),
      ...(includes.includes('sections')
        ? {
            sections: sections.map(({ id, name }) => ({
              id: idText(id),
              name,
              start_at: null,
              end_at: null,
              enrollment_role: null,
            })),
          }
        : {}),
      ...(includes.includes('account_name')
        ? { account_name: model.accounts.get(course.accountId)?.name ?? null }
        : {}),
    };
  };

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
  const includesOf = (c: Context<Env>, caller: Caller): readonly string[] => {
    const key = oauth.key(caller.token.keyId);
    return key?.enforceScopes === true ? [] : (c.req.queries('include[]') ?? []);
  };
  const administered = (c: Context<Env>, caller: Caller, name: string): Account => {
    const text = c.req.param(name) ?? '';
    const account =
      text === 'self' || text === 'default'
        ? model.accounts.get(model.rootId)
        : lookUp(model.accounts, text, 'sis_account_id', caller);
    if (account === undefined) throw notFound();
    if (!caller.user.adminOf.includes(account.id)) throw denied();
    return account;
  };
  const mayRead = (caller: Caller, course: Course): boolean =>
    caller.user.adminOf.includes(course.accountId) || course.teacherId === caller.user.id;

  const stringIds = (c: Context<Env>): boolean => (c.req.header('accept') ?? '').includes('json+canvas-string-ids');
  const write = (c: Context<Env>, value: unknown, status: 200 | 400 | 401 | 403 | 404 = 200): Response =>
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

  app.get('/accounts', (c) => {
    const caller = enter(c, '/accounts');
    // Only accounts where the user was made administrator, not everything below them.
    const own = caller.user.adminOf.map((id) => model.accounts.get(id)).filter((account) => account !== undefined);
    const tops = own.filter(({ parentId }) => parentId === null || !caller.user.adminOf.includes(parentId));
    return write(
      c,
      page(c, tops).map((account) => wireAccount(account, caller)),
    );
  });
  app.get('/accounts/:id', (c) => {
    const caller = enter(c, '/accounts/:id');
    return write(c, wireAccount(administered(c, caller, 'id'), caller));
  });
  app.get('/accounts/:account_id/sub_accounts', (c) => {
    const caller = enter(c, '/accounts/:account_id/sub_accounts');
    const account = administered(c, caller, 'account_id');
    const below = accountsBelow(model, account.id);
    const isRecursive = ['1', 'true'].includes(c.req.query('recursive') ?? '');
    const found = [...model.accounts.values()].filter(
      ({ id, parentId }) => id !== account.id && (isRecursive ? below.has(id) : parentId === account.id),
    );
    return write(
      c,
      page(c, found).map((entry) => wireAccount(entry, caller)),
    );
  });
  app.get('/accounts/:account_id/courses', (c) => {
    const caller = enter(c, '/accounts/:account_id/courses');
    const account = administered(c, caller, 'account_id');
    return write(
      c,
      page(c, selectCourses(c, caller, account)).map((course) => wireCourse(course, caller, includesOf(c, caller))),
    );
  });
  app.get('/accounts/:account_id/terms', (c) => {
    const caller = enter(c, '/accounts/:account_id/terms');
    const account = administered(c, caller, 'account_id');
    if (account.id !== model.rootId) throw notFound();
    return write(c, { enrollment_terms: page(c, [...model.terms.values()]).map((term) => wireTerm(term, caller)) });
  });
  app.get('/accounts/:account_id/terms/:id', (c) => {
    const caller = enter(c, '/accounts/:account_id/terms/:id');
    if (administered(c, caller, 'account_id').id !== model.rootId) throw notFound();
    return write(c, wireTerm(lookUp(model.terms, c.req.param('id'), 'sis_term_id', caller), caller));
  });
  app.get('/accounts/:account_id/users', (c) => {
    const caller = enter(c, '/accounts/:account_id/users');
    const account = administered(c, caller, 'account_id');
    if (account.id !== model.rootId) throw notFound();
    const term = (c.req.query('search_term') ?? '').toLowerCase();
    const found = [...model.users.values()].filter((user) =>
      [user.name, user.login, user.sisId ?? '', user.email ?? ''].some((text) => text.toLowerCase().includes(term)),
    );
    return write(
      c,
      page(c, found).map((user) => wireUser(user, caller)),
    );
  });
  app.get('/courses', (c) => {
    const caller = enter(c, '/courses');
    const own = [...model.courses.values()].filter(
      ({ teacherId, state }) => teacherId === caller.user.id && state !== 'deleted',
    );
    return write(
      c,
      page(c, own).map((course) => wireCourse(course, caller, includesOf(c, caller))),
    );
  });
  app.get('/courses/:id', (c) => {
    const caller = enter(c, '/courses/:id');
    const course = lookUp(model.courses, c.req.param('id'), 'sis_course_id', caller);
    if (course.state === 'deleted') throw notFound();
    if (!mayRead(caller, course)) throw denied();
    return write(c, wireCourse(course, caller, includesOf(c, caller)));
  });
  app.get('/courses/:course_id/sections', (c) => {
    const caller = enter(c, '/courses/:course_id/sections');
    const course = lookUp(model.courses, c.req.param('course_id'), 'sis_course_id', caller);
    if (!mayRead(caller, course)) throw denied();
    const found = course.sectionIds.map((id) => model.sections.get(id)).filter((section) => section !== undefined);
    return write(
      c,
      page(c, found).map((section) => wireSection(section, caller)),
    );
  });
  app.get('/sections/:id', (c) => {
    const caller = enter(c, '/sections/:id');
    const section = lookUp(model.sections, c.req.param('id'), 'sis_section_id', caller);
    const course = model.courses.get(section.courseId);
    if (course === undefined || !mayRead(caller, course)) throw denied();
    return write(c, wireSection(section, caller));
  });
  app.get('/users/:id', (c) => {
    const caller = enter(c, '/users/:id');
    const text = c.req.param('id');
    const { prefix, value } = parseId(text);
    if (text === 'self')
      return write(c, {
        ...wireUser(caller.user, caller),
        permissions: { can_update_name: true, can_update_avatar: false },
      });
    const user =
      prefix === 'sis_login_id'
        ? [...model.users.values()].find(({ login }) => login === value)
        : lookUp(model.users, text, 'sis_user_id', caller);
    if (user === undefined) throw notFound();
    if (!caller.isRootAdmin && user.id !== caller.user.id) throw denied();
    return write(c, wireUser(user, caller));
  });

  const selectCourses = (c: Context<Env>, caller: Caller, account: Account): readonly Course[] => {
    const term = c.req.query('enrollment_term_id');
    const termId = term === undefined ? undefined : lookUp(model.terms, term, 'sis_term_id', caller).id;
    const search = c.req.query('search_term');
    if (search !== undefined && search.length < 3 && !/^\d+$/.test(search))
      throw new Denied(400, errors('search_term of 3 or more characters is required'));
    const states = c.req.queries('state[]') ?? [];
    const published = c.req.query('published');
    const within = accountsBelow(model, account.id);
    const isShown = (course: Course): boolean => {
      if (states.includes('all')) return true;
      if (states.length === 0) return course.state !== 'deleted';
      return (
        states.includes(course.state === 'unpublished' ? 'claimed' : course.state) ||
        (course.state === 'unpublished' && states.includes('created'))
      );
    };
    const found = [...model.courses.values()].filter(
      (course) =>
        within.has(course.accountId) &&
        isShown(course) &&
        (termId === undefined || course.termId === termId) &&
        (published === undefined || (published === 'true') === (course.state === 'available')) &&
        (search === undefined ||
          [course.name, course.code, course.sisId ?? ''].some((text) =>
            text.toLowerCase().includes(search.toLowerCase()),
          )),
    );
    const sort = c.req.query('sort');
    const keyed = (course: Course): string =>
      sort === 'sis_course_id' ? (course.sisId ?? '') : sort === 'course_name' ? course.name : '';
    if (sort === 'sis_course_id' || sort === 'course_name')
      found.sort((a, b) => (keyed(a) < keyed(b) ? -1 : keyed(a) > keyed(b) ? 1 : 0));
    return c.req.query('order') === 'desc' ? found.reverse() : found;
  };

  app.all('*', (c) => write(c, errors('The specified resource does not exist.'), 404));
  app.onError((error, c) => {
    if (!(error instanceof Denied)) throw error;
    if (error.isAuthentication) c.header('WWW-Authenticate', 'Bearer realm="canvas-lms"');
    return write(c, error.body, error.status);
  });
  return app;
}
