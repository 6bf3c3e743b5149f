/**
 * The rostering service in both versions: collections, single objects and nested collections, with paging, filter,
 * sort and field selection. Source: OneRoster 1.2 Rostering REST binding (all GET); 1.1 has the same paths under one base.
 */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { prngFor } from '../generator/prng.ts';
import type { Env } from '../lib/server.ts';
import type { SchoolData } from './data.ts';
import { failure, Refusal, statusInfoSet } from './errors.ts';
import { FilterError, matches, parseFilter, sorted, valuesAt } from './filter.ts';
import type { Clients } from './oauth.ts';
import type { Signatures } from './oauth1.ts';
import type { SisSettings } from './settings.ts';
import type { Collection, Version, WireObject } from './wire.ts';
import { demographicFlags, fieldsOf, servicePath, singular } from './wire.ts';

type Need = 'core' | 'nested' | 'demographics';
type Params = Record<string, string>;
type Request = { data: SchoolData; version: Version; origin: string; params: Params };

/** A collection route: which objects it is about, and which scope it needs. */
type Route = {
  path: string;
  collection: Collection;
  need: Need;
  /** Also answers `path/{id}` with one object. */
  single?: boolean;
  select(request: Request): (object: WireObject) => boolean;
};

const all = (): (() => boolean) => () => true;

const has = (path: string, ...wanted: readonly string[]): ((object: WireObject) => boolean) => {
  const parts = path.split('.');
  return (object) => valuesAt(object, parts).values.some((value) => wanted.includes(value));
};

function parent(
  request: Request,
  collection: 'orgs' | 'classes' | 'courses' | 'users' | 'academicSessions',
  param: string,
): string {
  const id = request.params[param] ?? '';
  if (!request.data[collection].has(id))
    throw new Refusal(404, 'unknownobject', `there is no ${singular[collection]} ${id}`);
  return id;
}

const isRole = (version: Version, role: 'student' | 'teacher'): ((object: WireObject) => boolean) =>
  has(version === 'v1p2' ? 'roles.role' : 'role', role);

/** Ids of the people enrolled in a class with a role. */
function membersOf(data: SchoolData, classId: string, role: 'student' | 'teacher'): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const entry of data.enrollments.values()) {
    if (entry.classId === classId && entry.role === role && entry.status === 'active') ids.add(entry.personId);
  }
  return ids;
}

function classesOfPerson(data: SchoolData, personId: string, role?: 'student' | 'teacher'): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const entry of data.enrollments.values()) {
    if (entry.personId === personId && entry.status === 'active' && (role === undefined || entry.role === role))
      ids.add(entry.classId);
  }
  return ids;
}

const within =
  (ids: ReadonlySet<string>): ((object: WireObject) => boolean) =>
  (object) =>
    typeof object.sourcedId === 'string' && ids.has(object.sourcedId);
const both =
  (one: (object: WireObject) => boolean, two: (object: WireObject) => boolean) =>
  (object: WireObject): boolean =>
    one(object) && two(object);

function members(role: 'student' | 'teacher'): Route['select'] {
  return (request) => within(membersOf(request.data, parent(request, 'classes', 'classId'), role));
}

function inSchoolClass(request: Request): string {
  const schoolId = parent(request, 'orgs', 'schoolId');
  const classId = parent(request, 'classes', 'classId');
  if (request.data.classes.get(classId)?.siteId !== schoolId)
    throw new Refusal(404, 'unknownobject', `class ${classId} is not one of school ${schoolId}`);
  return classId;
}

function termsOfSchool(request: Request): ReadonlySet<string> {
  const schoolId = parent(request, 'orgs', 'schoolId');
  const ids = new Set<string>();
  for (const entry of request.data.classes.values()) {
    if (entry.siteId !== schoolId) continue;
    for (const termId of entry.termIds) {
      ids.add(termId);
      for (const child of request.data.academicSessions.get(termId)?.childIds ?? []) ids.add(child);
    }
  }
  return ids;
}

/** The grading periods below a session, at any depth. */
function gradingPeriodsBelow(data: SchoolData, sessionId: string): Set<string> {
  const ids = new Set<string>();
  for (const childId of data.academicSessions.get(sessionId)?.childIds ?? []) {
    if (data.academicSessions.get(childId)?.kind === 'gradingPeriod') ids.add(childId);
    for (const deeper of gradingPeriodsBelow(data, childId)) ids.add(deeper);
  }
  return ids;
}

const schoolOf = (request: Request): string => parent(request, 'orgs', 'schoolId');

const routes: readonly Route[] = [
  { path: '/academicSessions', collection: 'academicSessions', need: 'core', single: true, select: all },
  { path: '/terms', collection: 'academicSessions', need: 'core', single: true, select: () => has('type', 'term') },
  {
    path: '/gradingPeriods',
    collection: 'academicSessions',
    need: 'core',
    single: true,
    select: () => has('type', 'gradingPeriod'),
  },
  { path: '/orgs', collection: 'orgs', need: 'core', single: true, select: all },
  { path: '/schools', collection: 'orgs', need: 'core', single: true, select: () => has('type', 'school') },
  { path: '/courses', collection: 'courses', need: 'core', single: true, select: all },
  { path: '/classes', collection: 'classes', need: 'core', single: true, select: all },
  { path: '/users', collection: 'users', need: 'core', single: true, select: all },
  {
    path: '/students',
    collection: 'users',
    need: 'core',
    single: true,
    select: ({ version }) => isRole(version, 'student'),
  },
  {
    path: '/teachers',
    collection: 'users',
    need: 'core',
    single: true,
    select: ({ version }) => isRole(version, 'teacher'),
  },
  { path: '/enrollments', collection: 'enrollments', need: 'core', single: true, select: all },
  { path: '/demographics', collection: 'demographics', need: 'demographics', single: true, select: all },
  {
    path: '/terms/:termId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => has('terms.sourcedId', parent(r, 'academicSessions', 'termId')),
  },
  {
    path: '/terms/:termId/gradingPeriods',
    collection: 'academicSessions',
    need: 'nested',
    select: (r) => within(gradingPeriodsBelow(r.data, parent(r, 'academicSessions', 'termId'))),
  },
  {
    path: '/schools/:schoolId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => has('school.sourcedId', schoolOf(r)),
  },
  {
    path: '/schools/:schoolId/courses',
    collection: 'courses',
    need: 'nested',
    select: (r) => has('org.sourcedId', schoolOf(r)),
  },
  {
    path: '/schools/:schoolId/enrollments',
    collection: 'enrollments',
    need: 'nested',
    select: (r) => has('school.sourcedId', schoolOf(r)),
  },
  {
    path: '/schools/:schoolId/students',
    collection: 'users',
    need: 'nested',
    select: (r) =>
      both(
        isRole(r.version, 'student'),
        has(r.version === 'v1p2' ? 'roles.org.sourcedId' : 'orgs.sourcedId', schoolOf(r)),
      ),
  },
  {
    path: '/schools/:schoolId/teachers',
    collection: 'users',
    need: 'nested',
    select: (r) =>
      both(
        isRole(r.version, 'teacher'),
        has(r.version === 'v1p2' ? 'roles.org.sourcedId' : 'orgs.sourcedId', schoolOf(r)),
      ),
  },
  {
    path: '/schools/:schoolId/terms',
    collection: 'academicSessions',
    need: 'nested',
    select: (r) => both(has('type', 'term'), within(termsOfSchool(r))),
  },
  {
    path: '/schools/:schoolId/classes/:classId/enrollments',
    collection: 'enrollments',
    need: 'nested',
    select: (r) => has('class.sourcedId', inSchoolClass(r)),
  },
  {
    path: '/schools/:schoolId/classes/:classId/students',
    collection: 'users',
    need: 'nested',
    select: (r) => within(membersOf(r.data, inSchoolClass(r), 'student')),
  },
  {
    path: '/schools/:schoolId/classes/:classId/teachers',
    collection: 'users',
    need: 'nested',
    select: (r) => within(membersOf(r.data, inSchoolClass(r), 'teacher')),
  },
  {
    path: '/courses/:courseId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => has('course.sourcedId', parent(r, 'courses', 'courseId')),
  },
  { path: '/classes/:classId/students', collection: 'users', need: 'nested', select: members('student') },
  { path: '/classes/:classId/teachers', collection: 'users', need: 'nested', select: members('teacher') },
  {
    path: '/users/:userId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => within(classesOfPerson(r.data, parent(r, 'users', 'userId'))),
  },
  {
    path: '/students/:userId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => within(classesOfPerson(r.data, parent(r, 'users', 'userId'), 'student')),
  },
  {
    path: '/teachers/:userId/classes',
    collection: 'classes',
    need: 'nested',
    select: (r) => within(classesOfPerson(r.data, parent(r, 'users', 'userId'), 'teacher')),
  },
];

const sufficient: Record<Need, readonly string[]> = {
  core: ['roster-core.readonly', 'roster.readonly'],
  nested: ['roster.readonly'],
  demographics: ['roster-demographics.readonly'],
};

type Guards = { clients: Clients; signatures: Signatures };

/** Whoever signed a 1.1 request by OAuth 1.0a: there are no tokens, so every scope approved for the client is his. */
function signer(c: Context<Env>, { signatures }: Guards, school: string): { name: string; scopes: readonly string[] } {
  const authorization = c.req.header('authorization') ?? '';
  const challenge = 'OAuth realm="Registra"';
  if (!/^OAuth\s/i.test(authorization))
    throw new Refusal(401, 'unauthorisedrequest', 'the request must be signed by OAuth 1.0a', challenge);
  const found = signatures.check(school, { method: c.req.method, url: c.req.url, authorization });
  if (typeof found === 'string')
    throw new Refusal(401, 'unauthorisedrequest', found, `${challenge}, oauth_problem="${found}"`);
  return found;
}

function bearer(c: Context<Env>, { clients }: Guards, school: string): { name: string; scopes: readonly string[] } {
  const given = /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const token = given === undefined ? undefined : clients.tokenOf(school, given);
  if (token === undefined)
    throw new Refusal(
      401,
      'unauthorisedrequest',
      given === undefined ? 'a bearer token is needed' : 'the token is unknown or has expired',
    );
  const name = clients.list(school).find(({ clientId }) => clientId === token.clientId)?.name ?? token.clientId;
  return { name, scopes: token.scopes };
}

/**
 * Throws unless the request bears a live token of this school whose scopes suffice (RFC 6750; scopes per OneRoster §Security), or,
 * in a 1.1 that wants it so, an OAuth 1.0a signature.
 */
function authorise(c: Context<Env>, guards: Guards, data: SchoolData, version: Version, need: Need): void {
  const { slug } = data.school;
  const wants = version === 'v1p1' ? data.settings.v1p1Authentication : 'oauth2';
  const isSigned = /^OAuth\s/i.test(c.req.header('authorization') ?? '');
  const { name, scopes } =
    wants === 'oauth1' || (wants === 'either' && isSigned) ? signer(c, guards, slug) : bearer(c, guards, slug);
  c.env.trace.client = name;
  const names = sufficient[need].map((one) => `https://purl.imsglobal.org/spec/or/${version}/scope/${one}`);
  if (!names.some((one) => scopes.includes(one)))
    throw new Refusal(403, 'forbidden', `the token lacks the scope ${names[0] ?? ''}`);
}

function wholeNumber(text: string | undefined, fallback: number, least: number, name: string): number {
  if (text === undefined) return fallback;
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw new Refusal(400, 'invaliddata', `${name} must be a whole number from ${least}`);
  return Number(text);
}

/** The `fields` parameter: names to keep, or a 1.1 warning for those that do not exist. */
function selection(
  text: string | undefined,
  version: Version,
  collection: Collection,
): { names: readonly string[] | null; warning: string | null } {
  if (text === undefined) return { names: null, warning: null };
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === ''))
    throw new Refusal(
      400,
      version === 'v1p1' ? 'invalid_blank_selection_field' : 'invalid_selection_field',
      'fields names nothing',
    );
  const unknown = names.filter((name) => !fieldsOf(version, collection).includes(name) || name.includes('.'));
  if (unknown.length === 0) return { names, warning: null };
  const message = `there is no field ${unknown.join(', ')}`;
  if (version === 'v1p2') throw new Refusal(400, 'invalid_selection_field', message);
  return { names: null, warning: message };
}

function pick(object: WireObject, names: readonly string[] | null): WireObject {
  return names === null ? object : Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

function isFieldOf(version: Version, collection: Collection): (name: string) => boolean {
  const names = new Set(fieldsOf(version, collection));
  return (name) => names.has(name) || /^metadata\.[\w.-]+$/.test(name);
}

function filtered(
  objects: readonly WireObject[],
  text: string | undefined,
  isField: (name: string) => boolean,
  { tombstones, deltaFilter }: SisSettings,
): readonly WireObject[] {
  // A record marked for deletion shows only to a reader that asks about status or changes.
  const active = (): readonly WireObject[] => objects.filter((object) => object.status === 'active');
  if (text === undefined) return active();
  try {
    const filter = parseFilter(text, isField);
    const isDelta = filter.conditions.some(({ field }) => field === 'dateLastModified');
    if (isDelta && deltaFilter === 'refused') throw new FilterError('dateLastModified is no field to filter by');
    if (isDelta && deltaFilter === 'ignored') return active();
    const sees = tombstones && (isDelta || filter.conditions.some(({ field }) => field === 'status'));
    return objects.filter((object) => (sees || object.status === 'active') && matches(object, filter));
  } catch (error) {
    if (error instanceof FilterError) throw new Refusal(400, 'invalid_filter_field', error.message);
    throw error;
  }
}

const BOOLEANS = new Set(['enabledUser', 'primary', ...demographicFlags]);

/** An object as this SIS says it: real ones write booleans as JSON does, and lists of grades as one text. */
function said(object: WireObject, { booleans, gradeLists }: SisSettings): Record<string, unknown> {
  if (booleans === 'text' && gradeLists === 'list') return object;
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => {
      if (booleans === 'json' && BOOLEANS.has(name)) return [name, value === 'true'];
      if (gradeLists === 'text' && name === 'grades' && Array.isArray(value)) return [name, value.join(',')];
      return [name, value];
    }),
  );
}

let shuffles = 0;

/** The records in an order that no other answer has. */
function shuffled(objects: readonly WireObject[]): readonly WireObject[] {
  shuffles += 1;
  const random = prngFor(`order/${shuffles}`);
  return objects
    .map((object) => ({ object, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ object }) => object);
}

/** Link header with next, prev, first and last; absolute, carrying every parameter (OneRoster REST binding §Pagination). */
function linkHeader(url: URL, limit: number, offset: number, total: number): string {
  const to = (rel: string, start: number): string => {
    const target = new URL(url);
    target.searchParams.set('limit', String(limit));
    target.searchParams.set('offset', String(start));
    return `<${target.href}>; rel="${rel}"`;
  };
  const links: string[] = [];
  if (offset + limit < total) links.push(to('next', offset + limit));
  if (offset > 0) links.push(to('prev', Math.max(0, offset - limit)));
  links.push(to('first', 0), to('last', total === 0 ? 0 : Math.floor((total - 1) / limit) * limit));
  return links.join(', ');
}

/** The rostering service of one school in one version. `limitCap` is the largest page that is ever answered. */
export function rosteringRoutes(options: {
  data: () => SchoolData;
  clients: Clients;
  signatures: Signatures;
  version: Version;
  limitCap: number;
  isBusy: (client: string) => boolean;
}): Hono<Env> {
  const { version, limitCap } = options;
  const app = new Hono<Env>();

  const enter = (c: Context<Env>, need: Need): Request => {
    const data = options.data();
    authorise(c, options, data, version, need);
    if (need === 'nested' && !data.settings.nested)
      throw new Refusal(404, 'unknownobject', 'there is no such endpoint');
    if (options.isBusy(c.env.trace.client)) throw new Refusal(429, 'server_busy', 'too many requests');
    return { data, version, origin: new URL(c.req.url).origin, params: c.req.param() };
  };

  const list = (c: Context<Env>, route: Route): Response => {
    const request = enter(c, route.need);
    const limit = Math.min(wholeNumber(c.req.query('limit'), 100, 1, 'limit'), limitCap);
    const offset = wholeNumber(c.req.query('offset'), 0, 0, 'offset');
    const isField = isFieldOf(version, route.collection);
    const { names, warning } = selection(c.req.query('fields'), version, route.collection);
    let rows = request.data.wire(version, request.origin, route.collection).filter(route.select(request));
    let found = filtered(rows, c.req.query('filter'), isField, request.data.settings);
    let warned: { minor: 'invalid_selection_field' | 'invalid_sort_field'; text: string } | null =
      warning === null ? null : { minor: 'invalid_selection_field', text: warning };
    const { settings } = request.data;
    const sort = settings.sort === 'ignored' ? undefined : c.req.query('sort');
    if (sort !== undefined && settings.sort === 'refused')
      throw new Refusal(400, 'invaliddata', 'there is no sorting here');
    if (sort !== undefined && isField(sort)) found = sorted(found, sort, c.req.query('orderBy') === 'desc');
    else if (sort !== undefined && version === 'v1p2')
      throw new Refusal(400, 'invaliddata', `there is no field ${sort} to sort by`);
    else if (sort !== undefined) warned = { minor: 'invalid_sort_field', text: `there is no field ${sort} to sort by` };
    if (settings.order === 'shuffled' && (sort === undefined || !isField(sort))) found = shuffled(found);
    rows = found.slice(offset, offset + limit).map((object) => pick(object, names));
    c.env.trace.rows = rows.length;
    c.header('X-Total-Count', String(found.length));
    c.header('Link', linkHeader(new URL(c.req.url), limit, offset, found.length));
    return c.json({
      [route.collection]: rows.map((row) => said(row, settings)),
      ...(warned === null ? {} : statusInfoSet('success', 'warning', warned.minor, warned.text)),
    });
  };

  const one = (c: Context<Env>, route: Route): Response => {
    const request = enter(c, route.need);
    const { names, warning } = selection(c.req.query('fields'), version, route.collection);
    const id = request.params.id ?? '';
    const object = request.data.wire(version, request.origin, route.collection).find((item) => item.sourcedId === id);
    if (object === undefined || !route.select(request)(object))
      throw new Refusal(404, 'unknownobject', `there is no ${singular[route.collection]} ${id}`);
    c.env.trace.rows = 1;
    return c.json({
      [singular[route.collection]]: said(pick(object, names), request.data.settings),
      ...(warning === null ? {} : statusInfoSet('success', 'warning', 'invalid_selection_field', warning)),
    });
  };

  for (const route of routes) {
    app.get(route.path, (c) => list(c, route));
    if (route.single === true) app.get(`${route.path}/:id`, (c) => one(c, route));
  }
  const document = (c: Context<Env>): Response =>
    c.json(discovery(new URL(c.req.url).origin, options.data().school.slug, version));
  app.get('/discovery/:file', document);
  app.all('*', (c) => c.json(failure(version, 'unknownobject', 'there is no such endpoint'), 404));
  app.onError((error, c) => {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) c.header('WWW-Authenticate', error.challenge);
    if (error.status === 429) c.header('Retry-After', '1');
    return c.json(failure(version, error.minor, error.message), error.status);
  });
  return app;
}

/** The service's own OpenAPI description, as far as a consumer looks: server, token address, scopes, paths. */
function discovery(origin: string, slug: string, version: Version): Record<string, unknown> {
  const scopes = Object.fromEntries(
    ['roster-core.readonly', 'roster.readonly', 'roster-demographics.readonly'].map((name) => [
      `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`,
      name,
    ]),
  );
  const paths = routes
    .flatMap(({ path, single }) => [path, ...(single === true ? [`${path}/:id`] : [])])
    .map((path) => path.replaceAll(/:(\w+)/g, '{$1}'));
  return {
    openapi: '3.0.1',
    info: { title: 'OneRoster Rostering Service', version: version === 'v1p2' ? '1.2' : '1.1' },
    servers: [{ url: `${origin}/${slug}${servicePath[version]}` }],
    paths: Object.fromEntries(paths.map((path) => [path, { get: { responses: { 200: { description: 'success' } } } }])),
    components: {
      securitySchemes: {
        OAuth2: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: `${origin}/${slug}/oauth/token`, scopes } } },
      },
    },
  };
}
