/** Moodle's pages for its administrator: what it holds, external services with their functions, tokens, settings, log, faults. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from '../lib/faults.ts';
import { formOf } from '../lib/forms.ts';
import type { Html } from '../lib/html.ts';
import { applyFaultForm, faultSection, logTable, notice, page } from '../lib/html.ts';
import type { RequestLog } from '../lib/log.ts';
import type { Env } from '../lib/server.ts';
import type { Sessions } from '../lib/signin.ts';
import { isOwnForm } from '../lib/signin.ts';
import { contentRoutes } from './content-pages.ts';
import { functions } from './functions.ts';
import type { MoodleModel } from './model.ts';
import { moodleLogins } from './model.ts';
import type { Service, Services, WsToken } from './services.ts';
import type { MoodleSettings } from './settings.ts';

type Options = {
  model: MoodleModel;
  services: Services;
  settings: MoodleSettings;
  sessions: Sessions<number>;
  log: RequestLog;
  faults: Faults;
  clock: Clock;
  /** Keeps what was changed by hand. */
  keep(): void;
};

const welcomes = [
  [0, 'none'],
  [1, 'from the course contact'],
  [3, 'from the no-reply address'],
] as const;

const words = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];

/** The pages of one Moodle, mounted at its root. */
export function pageRoutes(options: Options): Hono<Env> {
  const { model, services, settings, sessions, log, faults, clock } = options;
  const app = new Hono<Env>();
  const program = `Moodle · ${model.school.name}`;
  const isAdmin = (c: Context<Env>): boolean => {
    const id = sessions.current(c);
    return id !== undefined && model.users.get(id)?.isAdmin === true;
  };
  const nav =
    (): Html => html`<nav aria-label="Pages"><a href="/admin/courses">Courses</a> · <a href="/admin/users">Users</a> · <a href="/admin/cohorts">Cohorts</a> · <a href="/admin/mail">Mail</a> · <a href="/admin/webservices">Web services</a> · <a href="/admin/settings">Settings</a> · <a href="/admin/log">Request log</a> · <a href="/admin/faults">Faults</a></nav>
<form class="inline" method="post" action="/login/logout"><button class="quiet">Log out</button></form>`;
  const show = (
    c: Context<Env>,
    title: string,
    body: Html,
    status: 200 | 400 | 401 = 200,
  ): Response | Promise<Response> =>
    c.html(page({ program, title, body, ...(isAdmin(c) ? { nav: nav() } : {}) }), status);
  const signIn = (c: Context<Env>, wrong?: string): Response | Promise<Response> =>
    show(
      c,
      'Log in to the site',
      html`${notice(wrong, 'error')}<section><p>This is a demonstration. User <code>${moodleLogins.admin}</code>, password <code>${moodleLogins.password}</code>.</p>
<form method="post" action="/login/index.php"><label for="username">Username</label><input id="username" name="username" autocomplete="username" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required><button>Log in</button></form></section>`,
      wrong === undefined ? 200 : 401,
    );

  app.use('*', async (c, next) => {
    if (c.req.method === 'POST' && !isOwnForm(c)) return c.text('This form was not posted from here.', 403);
    if (c.req.path.startsWith('/admin') && !isAdmin(c))
      return c.req.method === 'GET' ? signIn(c) : c.redirect('/login/index.php', 303);
    await next();
    return undefined;
  });
  app.get('/', (c) => c.redirect('/admin/webservices', 302));
  app.get('/login/index.php', (c) => signIn(c));
  app.post('/login/index.php', async (c) => {
    const form = await formOf(c);
    const user = [...model.users.values()].find(({ username }) => username === form.get('username'));
    if (user?.isAdmin !== true || form.get('password') !== moodleLogins.password)
      return signIn(c, 'Invalid login, please try again');
    sessions.open(c, user.id);
    return c.redirect('/admin/webservices', 303);
  });
  app.post('/login/logout', (c) => {
    sessions.close(c);
    return c.redirect('/login/index.php', 303);
  });

  const userName = (id: number): string => model.users.get(id)?.username ?? `user ${id}`;
  const tokenRow = (
    token: WsToken,
  ): Html => html`<tr><td>${userName(token.userId)}</td><td>${services.service(token.serviceId)?.name ?? ''}</td>
<td>${token.validUntil === null ? 'no end' : new Date(token.validUntil).toISOString().slice(0, 10)}</td>
<td><form method="post" action="/admin/tokens/${token.id}/delete"><button class="danger">Delete token ${token.id}</button></form></td></tr>`;
  const serviceSection = (
    service: Service,
  ): Html => html`<section aria-label="Service ${service.shortname}"><h2>${service.name}</h2><p>Short name <code>${service.shortname}</code></p>
<form method="post" action="/admin/services/${service.id}"><label class="choice"><input type="checkbox" name="enabled" value="1" ${service.enabled ? 'checked' : ''}> Enabled</label>
<label for="f-${service.id}">Functions, one on each line</label><textarea id="f-${service.id}" name="functions" rows="7">${service.functions.join('\n')}</textarea><button>Save</button></form>
<form method="post" action="/admin/services/${service.id}/delete"><button class="danger">Delete ${service.name}</button></form></section>`;
  const webservices = (c: Context<Env>, error?: string, made?: WsToken): Response | Promise<Response> =>
    show(
      c,
      'Web services',
      html`${notice(error, 'error')}${made === undefined ? '' : html`<section class="notice" role="status"><h2>The token is made</h2><p>Copy it now; it is shown this once: <code id="new-token">${made.token}</code></p></section>`}
<section><h2>Address</h2><p><code>${new URL(c.req.url).origin}</code></p></section>
${services.list().map(serviceSection)}
<section aria-labelledby="new"><h2 id="new">New external service</h2><form method="post" action="/admin/services"><label for="name">Name</label><input id="name" name="name" required>
<label for="shortname">Short name</label><input id="shortname" name="shortname" required><label for="functions">Functions, one on each line</label><textarea id="functions" name="functions" rows="7"></textarea><button>Add service</button></form>
<details><summary>Functions that this Moodle has</summary><pre class="scroll" tabindex="0">${[...functions.keys()].join('\n')}</pre></details></section>
<section aria-labelledby="tokens"><h2 id="tokens">Tokens</h2><div class="scroll" tabindex="0" role="region" aria-label="All tokens"><table><thead><tr><th scope="col">User</th><th scope="col">Service</th><th scope="col">Valid until</th><th scope="col">Action</th></tr></thead><tbody>${services.tokens().map(tokenRow)}</tbody></table></div>
<form method="post" action="/admin/tokens"><label for="user">User</label><select id="user" name="user">${[moodleLogins.service, moodleLogins.admin, moodleLogins.teacher, moodleLogins.powerless].map((login) => html`<option>${login}</option>`)}</select>
<label for="service">Service</label><select id="service" name="service">${services.list().map((service) => html`<option value="${service.id}">${service.name}</option>`)}</select>
<label for="until">Valid until (empty: no end)</label><input id="until" name="until" type="date"><button>Create token</button></form></section>`,
      error === undefined ? 200 : 400,
    );
  /** The functions that a form names, or what is wrong with them. */
  const functionsOf = (form: URLSearchParams): string[] | string => {
    const names = words(form.get('functions') ?? '');
    const unknown = names.filter((name) => !functions.has(name));
    return unknown.length === 0 ? names : `This Moodle has no function ${unknown.join(', ')}.`;
  };
  app.get('/admin/webservices', (c) => webservices(c));
  app.post('/admin/services', async (c) => {
    const form = await formOf(c);
    const names = functionsOf(form);
    if (typeof names === 'string') return webservices(c, names);
    const name = (form.get('name') ?? '').trim();
    const shortname = (form.get('shortname') ?? '').trim();
    if (name === '' || shortname === '') return webservices(c, 'Give the service a name and a short name.');
    if (services.byShortname(shortname) !== undefined) return webservices(c, 'Short name is already taken.');
    services.create({ name, shortname, functions: names });
    return c.redirect('/admin/webservices', 303);
  });
  app.post('/admin/services/:id', async (c) => {
    const form = await formOf(c);
    const names = functionsOf(form);
    if (typeof names === 'string') return webservices(c, names);
    const done = services.update(Number(c.req.param('id')), { functions: names, enabled: form.has('enabled') });
    return done ? c.redirect('/admin/webservices', 303) : webservices(c, 'That service is gone.');
  });
  app.post('/admin/services/:id/delete', (c) =>
    services.remove(Number(c.req.param('id')))
      ? c.redirect('/admin/webservices', 303)
      : webservices(c, 'That service is gone.'),
  );
  app.post('/admin/tokens', async (c) => {
    const form = await formOf(c);
    const user = [...model.users.values()].find(({ username }) => username === form.get('user'));
    const service = services.service(Number(form.get('service')));
    if (user === undefined || service === undefined) return webservices(c, 'Choose a user and a service.');
    const until = form.get('until') ?? '';
    const end = until === '' ? null : Date.parse(until);
    if (Number.isNaN(end)) return webservices(c, 'That is not a date.');
    return webservices(c, undefined, services.issue(service.id, user.id, { validUntil: end }));
  });
  app.post('/admin/tokens/:id/delete', (c) =>
    services.removeToken(Number(c.req.param('id')))
      ? c.redirect('/admin/webservices', 303)
      : webservices(c, 'That token is gone.'),
  );

  const settingsPage = (c: Context<Env>, error?: string): Response | Promise<Response> =>
    show(
      c,
      'Settings',
      html`${notice(error, 'error')}<section><form method="post" action="/admin/settings">
<label class="choice"><input type="checkbox" name="rest" value="1" ${settings.restEnabled ? 'checked' : ''}> Web services and the REST protocol are on</label>
<label class="choice"><input type="checkbox" name="debug" value="1" ${settings.debugging ? 'checked' : ''}> Debugging tells the details of errors</label>
<label class="choice"><input type="checkbox" name="maintenance" value="1" ${settings.maintenance ? 'checked' : ''}> Maintenance</label>
<label class="choice"><input type="checkbox" name="forces" value="1" ${settings.forcesMail ? 'checked' : ''}> Welcome messages are locked to mail, whatever people choose</label>
<label class="choice"><input type="checkbox" name="manual" value="1" ${settings.manualEnrolment ? 'checked' : ''}> New courses have manual enrolment</label>
<label for="welcome">Welcome message of new courses</label><select id="welcome" name="welcome">${welcomes.map(([value, name]) => html`<option value="${value}" ${settings.welcome === value ? 'selected' : ''}>${name}</option>`)}</select>
<label for="vars">max_input_vars of PHP</label><input id="vars" name="vars" inputmode="numeric" value="${settings.maxInputVars}"><button>Save</button></form></section>`,
      error === undefined ? 200 : 400,
    );
  app.get('/admin/settings', (c) => settingsPage(c));
  app.post('/admin/settings', async (c) => {
    const form = await formOf(c);
    const vars = Number(form.get('vars'));
    if (!Number.isInteger(vars) || vars < 1) return settingsPage(c, 'max_input_vars must be a whole number from 1.');
    Object.assign(settings, {
      restEnabled: form.has('rest'),
      debugging: form.has('debug'),
      maintenance: form.has('maintenance'),
      maxInputVars: vars,
      welcome: welcomes.find(([value]) => String(value) === form.get('welcome'))?.[0] ?? settings.welcome,
      forcesMail: form.has('forces'),
      manualEnrolment: form.has('manual'),
    });
    return c.redirect('/admin/settings', 303);
  });
  app.route('/', contentRoutes({ model, clock, keep: options.keep, show }));
  app.get('/admin/log', (c) =>
    show(
      c,
      'Request log',
      html`<section>${logTable(log.list().filter(({ path }) => path.startsWith('/webservice/') || path === '/login/token.php'))}</section>`,
    ),
  );
  app.get('/admin/faults', (c) => show(c, 'Faults', faultSection(faults, '/admin/faults')));
  app.post('/admin/faults', async (c) => {
    const error = applyFaultForm(faults, Object.fromEntries(await formOf(c)));
    return error === undefined
      ? c.redirect('/admin/faults', 303)
      : show(c, 'Faults', html`${notice(error, 'error')}${faultSection(faults, '/admin/faults')}`, 400);
  });
  return app;
}
