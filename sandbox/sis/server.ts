/** Registra: a student information system for several schools, each below its own path prefix. */

import { join } from 'node:path';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { z } from 'zod';
import type { ChangeSet } from '../generator/change-set.ts';
import type { School, Size } from '../generator/school.ts';
import { demoSlugs, schoolOf } from '../generator/school.ts';
import type { Clock } from '../lib/clock.ts';
import { createClock } from '../lib/clock.ts';
import { controlRoutes } from '../lib/control.ts';
import type { Faults } from '../lib/faults.ts';
import { createFaults } from '../lib/faults.ts';
import { page } from '../lib/html.ts';
import type { LogEntry, RequestLog } from '../lib/log.ts';
import { createLog } from '../lib/log.ts';
import type { Env, Page, Protocol } from '../lib/server.ts';
import { serve } from '../lib/server.ts';
import { createSessions } from '../lib/signin.ts';
import { openStore } from '../lib/state.ts';
import type { AdminSession } from './admin.ts';
import { adminRoutes } from './admin.ts';
import type { Change } from './changes.ts';
import { applyChange, applyChangeSet, changeSchema, changeSetSchema } from './changes.ts';
import type { SchoolData } from './data.ts';
import { loadSchool } from './data.ts';
import { failure } from './errors.ts';
import type { Client, NewClient } from './oauth.ts';
import { createClients, knownScopes, stateSchema } from './oauth.ts';
import { createSignatures } from './oauth1.ts';
import { rosteringRoutes } from './rostering.ts';
import type { SisSettings } from './settings.ts';
import { settingsSchema } from './settings.ts';
import type { Version } from './wire.ts';
import { servicePath } from './wire.ts';

export type SisOptions = {
  /** 0 (the default) takes a free port. */
  port?: number;
  /** Folder of the state file; without it clients and tokens live in memory. */
  dataDir?: string;
  /** Slugs of the schools to serve. The four demo schools by default; an unknown slug gets a small school of its own. */
  schools?: readonly string[];
  seed?: string;
  /** The year in which the school year starts. */
  schoolYear?: number;
  size?: Size;
  /** The largest page that is answered, whatever is asked. */
  limitCap?: number;
  /** Requests that one client may make per minute before it gets 429; 0 (the default) is without limit. */
  requestsPerMinute?: number;
  /** How every school of this SIS departs from the standard at first. */
  settings?: Partial<SisSettings>;
};

/** The addresses and demo credentials of one school of a running SIS. */
export type SisSchool = {
  slug: string;
  name: string;
  /** `https://host/<slug>`; the OneRoster paths follow it. */
  prefix: string;
  baseV1p2: string;
  baseV1p1: string;
  tokenUrl: string;
  adminUrl: string;
  /** Approved for everything. */
  client: NewClient;
  /** Approved for `roster-core.readonly` of both versions only. */
  narrowClient: NewClient;
};

export type RunningSis = {
  url: string;
  port: number;
  schools: readonly SisSchool[];
  school(slug: string): SisSchool;
  /** The records of a school; change the maps, then call `changed()`. */
  data(slug: string): SchoolData;
  /** Renames, marks or removes one record; false if there is none. */
  change(slug: string, change: Change): boolean;
  /** Changes a seeded share of a school's records and tells how many changed. */
  changeSet(slug: string, set: ChangeSet): number;
  settings(slug: string): SisSettings;
  /** Switches some settings of a school. */
  set(slug: string, settings: Partial<SisSettings>): void;
  clients(slug: string): readonly Client[];
  createClient(slug: string, options: { name: string; scopes: readonly string[] }): NewClient;
  approveScopes(slug: string, clientId: string, scopes: readonly string[]): boolean;
  deleteClient(slug: string, clientId: string): boolean;
  revokeTokens(slug: string): void;
  requests(slug?: string): readonly LogEntry[];
  log: RequestLog;
  faults: Faults;
  clock: Clock;
  close(): Promise<void>;
};

/** The two clients that every school of a SIS is born with. The same on every machine, so that the demo can be written down. */
export function demoSisClients(slug: string): { wide: NewClient; narrow: NewClient } {
  return {
    wide: { clientId: `crosswalk-${slug}`, clientSecret: `registra-${slug}-demo-secret` },
    narrow: { clientId: `crosswalk-${slug}-core`, clientSecret: `registra-${slug}-core-demo-secret` },
  };
}

function versionOf(url: URL): Version {
  return url.pathname.includes(servicePath.v1p1) ? 'v1p1' : 'v1p2';
}

function pageOf(url: URL): Page | null {
  if (!url.pathname.includes('/ims/oneroster/')) return null;
  const limit = Number(url.searchParams.get('limit') ?? '100');
  const offset = Number(url.searchParams.get('offset') ?? '0');
  if (!Number.isInteger(limit) || !Number.isInteger(offset)) return null;
  const withOffset = (next: number): URL => {
    const target = new URL(url);
    target.searchParams.set('offset', String(next));
    return target;
  };
  return {
    first: offset === 0,
    shift: (pages) => (offset + pages * limit < 0 ? null : withOffset(offset + pages * limit)),
    clamp: (most) => {
      const target = new URL(url);
      target.searchParams.set('limit', String(Math.min(limit, most)));
      return target;
    },
  };
}

function protocolOf(revokeTokens: (slug: string) => void): Protocol {
  const json = { 'content-type': 'application/json' };
  const said = (url: URL, minor: Parameters<typeof failure>[1], text: string): string =>
    JSON.stringify(failure(versionOf(url), minor, text));
  const isToken = (url: URL): boolean => url.pathname.endsWith('/oauth/token');
  return {
    isProtocol: (url) => url.pathname.includes('/ims/oneroster/') || isToken(url),
    isToken,
    page: pageOf,
    totalHeader: 'x-total-count',
    rateLimited: (url, status) => ({ status, headers: json, body: said(url, 'server_busy', 'too many requests') }),
    unauthorized: (url) => ({
      status: 401,
      headers: { ...json, 'www-authenticate': 'Bearer realm="Registra", error="invalid_token"' },
      body: isToken(url)
        ? JSON.stringify({ error: 'invalid_client' })
        : said(url, 'unauthorisedrequest', 'the token is unknown or has expired'),
    }),
    serverError: (url, status) => ({
      status,
      headers: json,
      body: said(url, 'internal_server_error', 'the server could not answer'),
    }),
    revokeTokens: (url) => revokeTokens(url.pathname.split('/')[1] ?? ''),
  };
}

/** A fixed-window count of requests per client. */
function createMeter(clock: Clock, perMinute: number): (client: string) => boolean {
  const counts = new Map<string, { minute: number; count: number }>();
  return (client) => {
    if (perMinute === 0) return false;
    const minute = Math.floor(clock.now() / 60_000);
    const entry = counts.get(client);
    const count = entry?.minute === minute ? entry.count + 1 : 1;
    counts.set(client, { minute, count });
    return count > perMinute;
  };
}

const newClientSchema = z.strictObject({
  name: z.string().min(1),
  scopes: z.array(z.string()),
  clientId: z.string().min(1).optional(),
  clientSecret: z.string().min(8).optional(),
});

/** Starts the SIS. Demo clients are made when the state has none for a school, so that a deleted one stays deleted. */
export async function startSis(options: SisOptions = {}): Promise<RunningSis> {
  const { seed, schoolYear, size, limitCap = 10_000, requestsPerMinute = 0, dataDir } = options;
  const clock = createClock();
  const log = createLog();
  const faults = createFaults();
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'sis.json'), stateSchema, () => ({
    schools: [],
    clients: [],
    tokens: [],
  }));
  const clients = createClients(store, clock);
  const sessions = createSessions<AdminSession>('registra_session');
  const signatures = createSignatures(clients, clock);
  const isBusy = createMeter(clock, requestsPerMinute);
  const served: School[] = (options.schools ?? demoSlugs).map((slug) => schoolOf({ slug, seed, schoolYear, size }));
  const loaded = new Map<string, SchoolData>();

  const dataOf = (school: School): SchoolData => {
    const data = loaded.get(school.slug) ?? loadSchool(school, options.settings);
    loaded.set(school.slug, data);
    return data;
  };
  const setOf = (school: School, settings: Partial<SisSettings>): SisSettings => {
    const data = dataOf(school);
    Object.assign(data.settings, settings);
    data.changed();
    return data.settings;
  };
  const named = (slug: string): School => {
    const school = served.find((entry) => entry.slug === slug);
    if (school === undefined) throw new RangeError(`this SIS does not serve a school ${slug}`);
    return school;
  };

  for (const { slug } of served) {
    if (store.value.schools.includes(slug)) continue;
    const { wide, narrow } = demoSisClients(slug);
    clients.create(slug, { name: 'Crosswalk', scopes: knownScopes.map(({ uri }) => uri), ...wide });
    clients.create(slug, {
      name: 'Crosswalk (core only)',
      scopes: knownScopes.map(({ uri }) => uri).filter((uri) => uri.endsWith('roster-core.readonly')),
      ...narrow,
    });
    store.value.schools.push(slug);
    store.save();
  }

  const app = new Hono<Env>();
  const control = controlRoutes(log, faults);
  control.get('/schools', (c) => {
    const { origin } = new URL(c.req.url);
    return c.json({ schools: served.map((school) => addressesOf(school, origin)) });
  });
  control.get('/schools/:slug/clients', (c) =>
    c.json({
      clients: clients.list(c.req.param('slug')).map(({ clientId, name, scopes }) => ({ clientId, name, scopes })),
    }),
  );
  control.post('/schools/:slug/clients', async (c) => {
    const wanted = newClientSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not a client', issues: wanted.error.issues }, 400);
    const slug = c.req.param('slug');
    if (!served.some((school) => school.slug === slug)) return c.json({ error: 'no such school' }, 404);
    return c.json(clients.create(slug, wanted.data), 201);
  });
  control.delete('/schools/:slug/clients/:id', (c) =>
    clients.remove(c.req.param('slug'), c.req.param('id'))
      ? c.body(null, 204)
      : c.json({ error: 'no such client' }, 404),
  );
  control.delete('/schools/:slug/tokens', (c) => {
    clients.revokeTokens(c.req.param('slug'));
    return c.body(null, 204);
  });
  control.post('/schools/:slug/changes', async (c) => {
    const wanted = changeSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not a change', issues: wanted.error.issues }, 400);
    const school = served.find(({ slug }) => slug === c.req.param('slug'));
    const done = school !== undefined && applyChange(dataOf(school), wanted.data, clock.now());
    return done ? c.body(null, 204) : c.json({ error: 'no such record' }, 404);
  });
  control.post('/schools/:slug/change-sets', async (c) => {
    const wanted = changeSetSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not a set of changes', issues: wanted.error.issues }, 400);
    const school = served.find(({ slug }) => slug === c.req.param('slug'));
    if (school === undefined) return c.json({ error: 'no such school' }, 404);
    return c.json({ changed: applyChangeSet(dataOf(school), wanted.data, clock.now()) });
  });
  control.get('/schools/:slug/settings', (c) => {
    const school = served.find(({ slug }) => slug === c.req.param('slug'));
    return school === undefined ? c.json({ error: 'no such school' }, 404) : c.json(dataOf(school).settings);
  });
  control.post('/schools/:slug/settings', async (c) => {
    const wanted = settingsSchema.partial().safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not settings', issues: wanted.error.issues }, 400);
    const school = served.find(({ slug }) => slug === c.req.param('slug'));
    return school === undefined ? c.json({ error: 'no such school' }, 404) : c.json(setOf(school, wanted.data));
  });
  app.route('/_sandbox', control);

  for (const school of served) {
    const data = (): SchoolData => dataOf(school);
    app.use(`/${school.slug}/*`, async (c, next) => {
      c.env.trace.school = school.slug;
      await next();
    });
    app.post(`/${school.slug}/oauth/token`, (c) => clients.answer(c, school.slug));
    for (const version of ['v1p2', 'v1p1'] as const) {
      app.route(
        `/${school.slug}${servicePath[version]}`,
        rosteringRoutes({ data, clients, signatures, version, limitCap, isBusy }),
      );
    }
    app.route(`/${school.slug}/admin`, adminRoutes({ data, clients, sessions, log, faults }));
  }
  app.get('/', (c) =>
    c.html(
      page({
        program: 'Registra',
        title: 'Schools on this system',
        body: html`<section><ul>${served.map((school) => html`<li><a href="/${school.slug}/admin">${school.name}</a></li>`)}</ul></section>`,
      }),
    ),
  );

  const addressesOf = (school: School, origin: string): SisSchool => {
    const prefix = `${origin}/${school.slug}`;
    const { wide, narrow } = demoSisClients(school.slug);
    return {
      slug: school.slug,
      name: school.name,
      prefix,
      baseV1p2: `${prefix}${servicePath.v1p2}`,
      baseV1p1: `${prefix}${servicePath.v1p1}`,
      tokenUrl: `${prefix}/oauth/token`,
      adminUrl: `${prefix}/admin`,
      client: wide,
      narrowClient: narrow,
    };
  };

  const server = await serve({
    port: options.port ?? 0,
    clock,
    log,
    faults,
    protocol: protocolOf(clients.revokeTokens),
    app: (request, env) => app.fetch(request, env),
  });
  return {
    url: server.url,
    port: server.port,
    schools: served.map((school) => addressesOf(school, server.url)),
    school: (slug) => addressesOf(named(slug), server.url),
    data: (slug) => dataOf(named(slug)),
    change: (slug, change) => applyChange(dataOf(named(slug)), change, clock.now()),
    changeSet: (slug, set) => applyChangeSet(dataOf(named(slug)), set, clock.now()),
    settings: (slug) => dataOf(named(slug)).settings,
    set: (slug, settings) => {
      setOf(named(slug), settings);
    },
    clients: (slug) => clients.list(slug),
    createClient: (slug, wanted) => clients.create(named(slug).slug, wanted),
    approveScopes: clients.approve,
    deleteClient: clients.remove,
    revokeTokens: clients.revokeTokens,
    requests: (slug) => log.list(slug === undefined ? {} : { school: slug }),
    log,
    faults,
    clock,
    close: server.close,
  };
}
