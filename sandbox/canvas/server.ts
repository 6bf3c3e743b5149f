/** A Canvas-shaped LMS for one school. */

import { join } from 'node:path';
import { Hono } from 'hono';
import { z } from 'zod';
import { schoolOf } from '../generator/school.ts';
import type { Clock } from '../lib/clock.ts';
import { createClock } from '../lib/clock.ts';
import { controlRoutes } from '../lib/control.ts';
import type { Faults } from '../lib/faults.ts';
import { createFaults } from '../lib/faults.ts';
import type { LogEntry, RequestLog } from '../lib/log.ts';
import { createLog } from '../lib/log.ts';
import type { Env, Page, Protocol } from '../lib/server.ts';
import { serve } from '../lib/server.ts';
import { createSessions } from '../lib/signin.ts';
import { openStore } from '../lib/state.ts';
import { apiRoutes, servedScopes } from './api.ts';
import type { CanvasSettings } from './gate.ts';
import { defaultSettings } from './gate.ts';
import { idText, writeJson } from './ids.ts';
import type { Mails } from './mails.ts';
import { createMails } from './mails.ts';
import type { CanvasModel, FilledBy } from './model.ts';
import { buildCanvas, canvasLogins, canvasOfRecords } from './model.ts';
import type { CanvasOAuth, DeveloperKey } from './oauth.ts';
import { createOAuth, stateSchema } from './oauth.ts';
import { pageRoutes } from './pages.ts';
import type { SisImports } from './sis/imports.ts';
import { birthImport, createSisImports } from './sis/imports.ts';
import { openRecords } from './stored-records.ts';

export type CanvasOptions = {
  port?: number;
  dataDir?: string;
  /** Slug of the school whose LMS this is. */
  school?: string;
  seed?: string;
  schoolYear?: number;
  /** Who filled it before Crosswalk came. */
  filledBy?: FilledBy;
  /** Redirect URIs of the developer key that the LMS is born with. */
  redirectUris?: readonly string[];
  settings?: Partial<CanvasSettings>;
};

export type RunningCanvas = {
  url: string;
  port: number;
  model: CanvasModel;
  /** The developer key that every Canvas of the sandbox is born with. */
  demoKey: { id: string; secret: string };
  logins: typeof canvasLogins;
  oauth: CanvasOAuth;
  /** Change in place; it holds from the next request on. */
  settings: CanvasSettings;
  imports: SisImports;
  /** What a real Canvas would have sent. */
  mails: Mails;
  requests(): readonly LogEntry[];
  log: RequestLog;
  faults: Faults;
  clock: Clock;
  close(): Promise<void>;
};

/** The developer key of every sandbox Canvas: id and secret are the same on every machine. */
export function demoCanvasKey(slug: string): { id: string; secret: string } {
  return { id: '170000000000007', secret: `canvas-${slug}-demo-secret` };
}

function pageNumber(url: URL): number | null {
  const token = url.searchParams.get('page') ?? '1';
  const number = Number(
    token.startsWith('bookmark:') ? Buffer.from(token.slice(9), 'base64url').toString('utf8') : token,
  );
  return Number.isInteger(number) ? number : null;
}

function pageOf(url: URL): Page | null {
  const number = url.pathname.startsWith('/api/v1/') ? pageNumber(url) : null;
  if (number === null) return null;
  const size = Number(url.searchParams.get('per_page') ?? '10');
  return {
    first: number === 1,
    shift: (pages) => {
      if (number + pages < 1) return null;
      const target = new URL(url);
      target.searchParams.set('page', String(number + pages));
      return target;
    },
    clamp: (most) => {
      const target = new URL(url);
      target.searchParams.set('per_page', String(Math.min(size, most)));
      return target;
    },
  };
}

function protocolOf(oauth: CanvasOAuth): Protocol {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const isToken = (url: URL): boolean => url.pathname === '/login/oauth2/token';
  return {
    isProtocol: (url) => url.pathname.startsWith('/api/') || isToken(url),
    isToken,
    page: pageOf,
    totalHeader: 'x-total-count',
    rateLimited: (_url, status) => ({
      status,
      headers: { 'content-type': 'text/plain', 'x-rate-limit-remaining': '0.0' },
      body: `${status} Forbidden (Rate Limit Exceeded)\n`,
    }),
    unauthorized: (url) =>
      isToken(url)
        ? {
            status: 400,
            headers: json,
            body: JSON.stringify({ error: 'invalid_grant', error_description: 'refresh_token not found' }),
          }
        : {
            status: 401,
            headers: { ...json, 'www-authenticate': 'Bearer realm="canvas-lms"' },
            body: JSON.stringify({ errors: [{ message: 'Invalid access token.' }] }),
          },
    serverError: (_url, status) => ({
      status,
      headers: json,
      body: JSON.stringify({
        errors: [{ message: 'An error occurred.', error_code: 'internal_server_error' }],
        error_report_id: 4711,
      }),
    }),
    revokeTokens: () => oauth.revokeAll(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The fields of a token request: a form, multipart or JSON, as Canvas takes all three. */
async function fieldsOf(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get('content-type') ?? '';
  if (type.includes('json')) {
    const body = z.record(z.string(), z.coerce.string()).safeParse(parsed(await request.text()));
    return new URLSearchParams(body.success ? body.data : {});
  }
  if (type.startsWith('multipart/form-data')) {
    const fields = new URLSearchParams();
    for (const [name, value] of await request.formData()) if (typeof value === 'string') fields.append(name, value);
    return fields;
  }
  return new URLSearchParams(await request.text());
}

const newKeySchema = z.strictObject({
  name: z.string().min(1),
  redirectUris: z.array(z.url()),
  scopes: z.array(z.string()).default([]),
  enforceScopes: z.boolean().default(true),
  allowIncludes: z.boolean().default(false),
  id: z.string().regex(/^\d+$/).optional(),
  secret: z.string().min(8).optional(),
});
const settingsSchema = z.strictObject({
  pkce: z.boolean().optional(),
  forbiddenStatus: z.union([z.literal(401), z.literal(403)]).optional(),
  throttleStatus: z.union([z.literal(429), z.literal(403)]).optional(),
  quota: z.number().positive().optional(),
  refillPerSecond: z.number().min(0).optional(),
  sisImports: z.boolean().optional(),
  uploadAnswer: z.enum(['import', 'in-process']).optional(),
  errorsTellRows: z.boolean().optional(),
  importSteps: z.int().min(1).optional(),
  nextImport: z.enum(['as-it-is', 'failed', 'aborted-midway', 'stuck-initializing']).optional(),
  authenticationProviders: z.array(z.string()).optional(),
  selfServiceUserMerge: z.boolean().optional(),
});

/** Starts a Canvas. The demo key is made when the state is new, so that a deleted one stays deleted. */
export async function startCanvas(options: CanvasOptions = {}): Promise<RunningCanvas> {
  const { school: slug = 'lindenhof', seed, schoolYear, dataDir, filledBy = 'sis' } = options;
  const clock = createClock();
  const log = createLog();
  const faults = createFaults();
  const settings: CanvasSettings = { ...defaultSettings, ...options.settings };
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'canvas.json'), stateSchema, () => ({
    school: '',
    keys: [],
    tokens: [],
  }));
  const oauth = createOAuth(store, clock);
  const school = schoolOf({ slug, seed, schoolYear });
  const stored = openRecords(dataDir, `${slug}/${filledBy}`);
  const model = stored.records === null ? buildCanvas(school, filledBy) : canvasOfRecords(school, '1', stored.records);
  const mails = createMails(clock.now, stored.mails);
  const keep = (): void => stored.save(model, imports.list(), mails.list());
  const imports = createSisImports({
    model,
    mails,
    clock,
    settings,
    uploads: stored.uploads,
    kept: stored.imports ?? (filledBy === 'sis' ? [birthImport(school.schoolYear)] : []),
    save: keep,
  });
  const sessions = createSessions<string>('canvas_session');
  const demoKey = demoCanvasKey(slug);
  if (store.value.school !== slug) {
    const redirectUris = options.redirectUris ?? ['http://127.0.0.1/callback'];
    oauth.createKey({
      name: 'Crosswalk',
      redirectUris,
      scopes: servedScopes,
      enforceScopes: true,
      allowIncludes: true,
      ...demoKey,
    });
    store.value.school = slug;
    store.save();
  }

  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    c.env.trace.school = slug;
    await next();
  });
  const control = controlRoutes(log, faults);
  control.get('/keys', (c) => c.json({ keys: oauth.keys().map(({ secret: _secret, ...key }) => key) }));
  control.post('/keys', async (c) => {
    const wanted = newKeySchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not a developer key', issues: wanted.error.issues }, 400);
    const made: DeveloperKey = oauth.createKey(wanted.data);
    return c.json({ id: made.id, secret: made.secret }, 201);
  });
  control.delete('/keys/:id', (c) =>
    oauth.deleteKey(c.req.param('id')) ? c.body(null, 204) : c.json({ error: 'no such key' }, 404),
  );
  control.delete('/tokens', (c) => {
    oauth.revokeAll();
    return c.body(null, 204);
  });
  control.post('/tokens', async (c) => {
    const wanted = z.strictObject({ keyId: z.string(), login: z.string() }).safeParse(await c.req.json());
    const user = wanted.success
      ? [...model.users.values()].find(({ login }) => login === wanted.data.login)
      : undefined;
    if (!wanted.success || user === undefined || oauth.key(wanted.data.keyId) === undefined)
      return c.json({ error: 'no such key or user' }, 400);
    return c.json(oauth.mint(wanted.data.keyId, user.id), 201);
  });
  control.get('/settings', (c) => c.json(settings));
  control.post('/settings', async (c) => {
    const wanted = settingsSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not settings', issues: wanted.error.issues }, 400);
    Object.assign(settings, wanted.data);
    return c.json(settings);
  });
  control.get('/mails', (c) => c.json({ mails: mails.list() }));
  control.delete('/mails', (c) => {
    mails.clear();
    keep();
    return c.body(null, 204);
  });
  app.route('/_sandbox', control);
  app.route('/api/v1', apiRoutes({ model, oauth, settings, clock, imports, mails, onChange: keep }));

  app.post('/login/oauth2/token', async (c) => {
    const fields = await fieldsOf(c.req.raw);
    c.env.trace.client = oauth.key(fields.get('client_id') ?? '')?.name ?? '';
    c.env.trace.operation = fields.get('grant_type') ?? '';
    const answer = oauth.exchange(fields, settings.pkce);
    c.header('cache-control', 'no-store');
    if (!answer.ok) return c.json({ error: answer.error, error_description: answer.description }, answer.status);
    const body = {
      access_token: answer.accessToken,
      token_type: 'Bearer',
      user: {
        id: idText(answer.userId),
        name: model.users.get(answer.userId)?.name ?? '',
        global_id: answer.userId,
        effective_locale: 'en',
      },
      ...(answer.refreshToken === null ? {} : { refresh_token: answer.refreshToken }),
      expires_in: answer.expiresIn,
      canvas_region: 'eu-central-1',
    };
    return c.body(writeJson(body, (c.req.header('accept') ?? '').includes('canvas-string-ids')), 200, {
      'content-type': 'application/json; charset=utf-8',
    });
  });
  app.delete('/login/oauth2/token', (c) => {
    const bearer =
      /^Bearer\s+(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? c.req.query('access_token') ?? '';
    if (oauth.revoke(bearer)) return c.json(c.req.query('expire_sessions') === '1' ? { forward_url: null } : {});
    c.header('www-authenticate', 'Bearer realm="canvas-lms"');
    return c.json({ errors: [{ message: 'Invalid access token.' }] }, 401);
  });
  app.route('/', pageRoutes({ model, oauth, settings, sessions, log, faults, imports, mails }));

  const server = await serve({
    port: options.port ?? 0,
    clock,
    log,
    faults,
    protocol: protocolOf(oauth),
    app: (request, env) => app.fetch(request, env),
  });
  return {
    url: server.url,
    port: server.port,
    model,
    demoKey,
    logins: canvasLogins,
    oauth,
    settings,
    imports,
    mails,
    requests: () => log.list(),
    log,
    faults,
    clock,
    close: server.close,
  };
}
