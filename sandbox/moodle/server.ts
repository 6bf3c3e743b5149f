/** A Moodle-shaped LMS for one school: the REST server, `/login/token.php` and the administrator's pages. */

import { join } from 'node:path';
import type { Context } from 'hono';
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
import type { Env, Protocol } from '../lib/server.ts';
import { serve } from '../lib/server.ts';
import { createSessions } from '../lib/signin.ts';
import { openStore } from '../lib/state.ts';
import { exceptionXml, rowsIn, toXml } from './answers.ts';
import type { Value } from './call.ts';
import { invalid, MoodleException } from './call.ts';
import { functions, onlyReads, requireKnown } from './functions.ts';
import type { MoodleModel, MoodleUser } from './model.ts';
import { buildMoodle, contentSchema, moodleLogins } from './model.ts';
import { pageRoutes } from './pages.ts';
import type { PhpArray } from './php.ts';
import { parsePhp, textOf } from './php.ts';
import type { Services } from './services.ts';
import { createServices, demoMoodleToken, stateSchema } from './services.ts';
import type { MoodleSettings } from './settings.ts';
import { defaultSettings } from './settings.ts';

export type MoodleOptions = {
  port?: number;
  dataDir?: string;
  /** Slug of the school whose LMS this is. */
  school?: string;
  seed?: string;
  schoolYear?: number;
  settings?: Partial<MoodleSettings>;
};

export type RunningMoodle = {
  url: string;
  port: number;
  model: MoodleModel;
  /** The token of the service account for the service `crosswalk`, which holds every function. */
  demoToken: string;
  logins: typeof moodleLogins;
  services: Services;
  /** Change in place; it holds from the next request on. */
  settings: MoodleSettings;
  requests(): readonly LogEntry[];
  log: RequestLog;
  faults: Faults;
  clock: Clock;
  close(): Promise<void>;
};

const INVALID_TOKEN = {
  exception: 'core\\exception\\moodle_exception',
  errorcode: 'invalidtoken',
  message: 'Invalid token - token not found',
};
/** What a plug-in or a full disk over there brings about. */
const BROKEN = {
  exception: 'dml_write_exception',
  errorcode: 'dmlwriteexception',
  message: 'Error writing to database',
};
const MAINTENANCE =
  '<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>This site is undergoing maintenance and is currently not available</h1></body></html>';

function protocolOf(services: Services): Protocol {
  const json = { 'content-type': 'application/json; charset=utf-8' };
  const isToken = (url: URL): boolean => url.pathname === '/login/token.php';
  return {
    isProtocol: (url) => url.pathname.startsWith('/webservice/') || isToken(url),
    isToken,
    page: () => null,
    totalHeader: 'x-total-count',
    // Moodle itself never throttles; what answers 429 is the web server before it.
    rateLimited: (_url, status) => ({
      status,
      headers: { 'content-type': 'text/html' },
      body: '<html><head><title>Too Many Requests</title></head><body><center><h1>Too Many Requests</h1></center></body></html>',
    }),
    unauthorized: () => ({ status: 200, headers: json, body: JSON.stringify(INVALID_TOKEN) }),
    serverError: (_url, status) => ({
      status,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: MAINTENANCE,
    }),
    errorInside: () => ({ status: 200, headers: json, body: JSON.stringify(BROKEN) }),
    operation: async (request) =>
      (request.headers.get('content-type') ?? '').startsWith('application/x-www-form-urlencoded')
        ? (new URLSearchParams(await request.text()).get('wsfunction') ?? '')
        : '',
    revokeTokens: () => services.revokeAll(),
  };
}

/** The variables of a request: query string, and the body where it is a form. A JSON body is not looked at, as in PHP. */
async function variables(c: Context<Env>, maxInputVars: number): Promise<PhpArray> {
  const params = parsePhp(new URL(c.req.url).search, maxInputVars);
  const type = (c.req.header('content-type') ?? '').toLowerCase();
  if (c.req.method !== 'POST') return params;
  if (type.startsWith('application/x-www-form-urlencoded')) return parsePhp(await c.req.text(), maxInputVars, params);
  if (!type.startsWith('multipart/form-data')) return params;
  const fields = new URLSearchParams();
  for (const [name, value] of await c.req.formData()) if (typeof value === 'string') fields.append(name, value);
  return parsePhp(fields.toString(), maxInputVars, params);
}

const newServiceSchema = z.strictObject({
  name: z.string().min(1),
  shortname: z.string().min(1),
  functions: z.array(z.string()),
});
const newTokenSchema = z.strictObject({
  service: z.string(),
  username: z.string(),
  validUntil: z.number().nullable().optional(),
});
const keptSchema = z.object({ school: z.string(), content: contentSchema.optional() });
const settingsSchema = z.strictObject({
  restEnabled: z.boolean().optional(),
  debugging: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  maxInputVars: z.int().min(1).optional(),
  welcome: z.int().min(0).max(3).optional(),
  forcesMail: z.boolean().optional(),
  manualEnrolment: z.boolean().optional(),
});

/** Starts a Moodle. The demo service and token are made when the state is new, so that a deleted one stays deleted. */
export async function startMoodle(options: MoodleOptions = {}): Promise<RunningMoodle> {
  const { school: slug = 'lindenhof', seed, schoolYear, dataDir } = options;
  const clock = createClock();
  const log = createLog();
  const faults = createFaults();
  const settings: MoodleSettings = { ...defaultSettings, ...options.settings };
  const store = openStore(dataDir === undefined ? undefined : join(dataDir, 'moodle.json'), stateSchema, () => ({
    school: '',
    services: [],
    tokens: [],
  }));
  const services = createServices(store, clock);
  const contents = openStore(
    dataDir === undefined ? undefined : join(dataDir, 'moodle-content.json'),
    keptSchema,
    (): z.output<typeof keptSchema> => ({ school: '' }),
  );
  const kept = contents.value.school === slug ? contents.value.content : undefined;
  const model = buildMoodle(schoolOf({ slug, seed, schoolYear }), kept);
  const keep = (): void => {
    if (dataDir === undefined) return;
    contents.value = { school: slug, content: model.snapshot() };
    contents.save();
  };
  const sessions = createSessions<number>('moodle_session');
  const demoToken = demoMoodleToken(slug);
  if (store.value.school !== slug) {
    store.value.school = slug;
    const service =
      services.byShortname('crosswalk') ??
      services.create({ name: 'Crosswalk', shortname: 'crosswalk', functions: [...functions.keys()] });
    services.issue(service.id, 3, { value: demoToken });
  }
  const userNamed = (username: string): MoodleUser | undefined =>
    [...model.users.values()].find((user) => user.username === username);

  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    c.env.trace.school = slug;
    await next();
  });
  const control = controlRoutes(log, faults);
  control.post('/services', async (c) => {
    const wanted = newServiceSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not a service', issues: wanted.error.issues }, 400);
    return c.json(services.create(wanted.data), 201);
  });
  control.post('/tokens', async (c) => {
    const wanted = newTokenSchema.safeParse(await c.req.json());
    const service = wanted.success ? services.byShortname(wanted.data.service) : undefined;
    const user = wanted.success ? userNamed(wanted.data.username) : undefined;
    if (!wanted.success || service === undefined || user === undefined)
      return c.json({ error: 'no such service or user' }, 400);
    return c.json(
      { token: services.issue(service.id, user.id, { validUntil: wanted.data.validUntil ?? null }).token },
      201,
    );
  });
  control.delete('/tokens', (c) => {
    services.revokeAll();
    return c.body(null, 204);
  });
  control.get('/settings', (c) => c.json(settings));
  control.post('/settings', async (c) => {
    const wanted = settingsSchema.safeParse(await c.req.json());
    if (!wanted.success) return c.json({ error: 'not settings', issues: wanted.error.issues }, 400);
    Object.assign(settings, wanted.data);
    return c.json(settings);
  });
  app.route('/_sandbox', control);

  /** Checks in Moodle's order: token, function, access to it, parameters. */
  const call = (c: Context<Env>, params: PhpArray): Value => {
    const token = services.tokenOf(textOf(params, 'wstoken') ?? '');
    const user = token === undefined ? undefined : model.users.get(token.userId);
    if (token === undefined || user === undefined)
      throw new MoodleException(INVALID_TOKEN.exception, INVALID_TOKEN.errorcode, INVALID_TOKEN.message);
    const name = textOf(params, 'wsfunction') ?? '';
    c.env.trace.client = user.username;
    if (name === '') throw invalid('Missing function name');
    c.env.trace.operation = name;
    const wanted = functions.get(name);
    if (wanted === undefined) {
      throw new MoodleException(
        'dml_missing_record_exception',
        'invalidrecord',
        "Can't find data record in database table external_functions.",
      );
    }
    const service = services.service(token.serviceId);
    if (service === undefined || !service.enabled || !service.functions.includes(name) || !user.usesRest) {
      throw new MoodleException(
        'webservice_access_exception',
        'accessexception',
        'Access control exception',
        `Access to the function ${name}() is not allowed.`,
      );
    }
    requireKnown(params, name);
    const value = wanted.run({
      model,
      settings,
      user,
      params,
      raw: textOf(params, 'moodlewssettingraw') === '1',
      functions: service.functions,
      siteUrl: new URL(c.req.url).origin,
      now: Math.floor(clock.now() / 1000),
    });
    if (!onlyReads(name)) keep();
    c.env.trace.rows = rowsIn(value);
    return value;
  };

  app.on(['GET', 'POST'], '/webservice/rest/server.php', async (c) => {
    if (settings.maintenance) return c.html(MAINTENANCE, 503);
    if (!settings.restEnabled) return c.body(null, 403);
    c.header('access-control-allow-origin', '*');
    const params = await variables(c, settings.maxInputVars);
    const isJson = textOf(params, 'moodlewsrestformat') === 'json';
    const write = (json: unknown, xml: () => string): Response =>
      isJson
        ? c.body(JSON.stringify(json), 200, { 'content-type': 'application/json; charset=utf-8' })
        : c.body(xml(), 200, { 'content-type': 'application/xml; charset=utf-8' });
    try {
      const value = call(c, params);
      return write(value, () => toXml(value));
    } catch (error) {
      if (!(error instanceof MoodleException)) throw error;
      const { exception, errorcode, message } = error;
      const debug = settings.debugging ? error.debug : '';
      const told = { exception, ...(errorcode === '' ? {} : { errorcode }), message };
      return write({ ...told, ...(debug === '' ? {} : { debuginfo: debug }) }, () =>
        exceptionXml(exception, errorcode, message, debug),
      );
    }
  });

  app.on(['GET', 'POST'], '/login/token.php', async (c) => {
    const params = await variables(c, settings.maxInputVars);
    const refuse = (errorcode: string, error: string): Response =>
      c.json({ error, errorcode, stacktrace: null, debuginfo: null, reproductionlink: null });
    if (textOf(params, 'appsitecheck') === '1') return c.json({ appsitecheck: 'ok' });
    if (settings.maintenance) return refuse('sitemaintenance', 'Site is undergoing maintenance');
    if (!settings.restEnabled)
      return refuse('enablewsdescription', 'Web services must be enabled in Advanced features.');
    const user = userNamed(textOf(params, 'username') ?? '');
    if (user === undefined || textOf(params, 'password') !== moodleLogins.password)
      return refuse('invalidlogin', 'Invalid login, please try again');
    c.env.trace.client = user.username;
    const service = services.byShortname(textOf(params, 'service') ?? '');
    if (service === undefined || !service.enabled)
      return refuse('servicenotavailable', 'Web service is not available. (It does not exist or might be disabled.)');
    if (!user.usesRest) return refuse('cannotcreatetoken', 'Can not create token for user.');
    const known = services
      .tokens()
      .find(
        (token) =>
          token.serviceId === service.id && token.userId === user.id && services.tokenOf(token.token) !== undefined,
      );
    return c.json({ token: (known ?? services.issue(service.id, user.id)).token, privatetoken: null });
  });
  app.route('/', pageRoutes({ model, services, settings, sessions, log, faults, clock, keep }));

  const server = await serve({
    port: options.port ?? 0,
    clock,
    log,
    faults,
    protocol: protocolOf(services),
    app: (request, env) => app.fetch(request, env),
  });
  return {
    url: server.url,
    port: server.port,
    model,
    demoToken,
    logins: moodleLogins,
    services,
    settings,
    requests: () => log.list(),
    log,
    faults,
    clock,
    close: server.close,
  };
}
