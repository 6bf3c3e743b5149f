/** The administrator's pages of one school's SIS: clients, their approved scopes, the request log, faults, some records. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Faults } from '../lib/faults.ts';
import { formOf } from '../lib/forms.ts';
import type { Html } from '../lib/html.ts';
import { applyFaultForm, faultSection, logTable, notice, page } from '../lib/html.ts';
import type { RequestLog } from '../lib/log.ts';
import type { Env } from '../lib/server.ts';
import type { Sessions } from '../lib/signin.ts';
import { isOwnForm } from '../lib/signin.ts';
import type { SchoolData } from './data.ts';
import type { Client, Clients, NewClient } from './oauth.ts';
import { knownScopes } from './oauth.ts';
import type { SisSettings } from './settings.ts';
import { settingChoices, settingsSchema } from './settings.ts';
import { servicePath } from './wire.ts';

/** What anybody may sign in with; it stands on the page. */
export const sisAdmin = { username: 'admin', password: 'registra-demo' } as const;

export type AdminSession = { school: string };

type Options = {
  data: () => SchoolData;
  clients: Clients;
  sessions: Sessions<AdminSession>;
  log: RequestLog;
  faults: Faults;
};

function scopeBoxes(prefix: string, chosen: readonly string[]): Html {
  return html`${knownScopes.map(
    ({
      uri,
      label,
    }) => html`<label class="choice"><input type="checkbox" name="scope" id="${prefix}-${uri}" value="${uri}" ${chosen.includes(uri) ? 'checked' : ''}>
<span>${label}<br><code class="hint">${uri}</code></span></label>`,
  )}`;
}

function clientSection(base: string, client: Client): Html {
  return html`<section aria-label="Client ${client.clientId}"><h2>${client.name}</h2>
<p>Client id <code>${client.clientId}</code>, made <time datetime="${client.createdAt}">${client.createdAt.slice(0, 10)}</time></p>
<form method="post" action="${base}/admin/clients/${encodeURIComponent(client.clientId)}/scopes"><fieldset><legend>Approved scopes</legend>${scopeBoxes(client.clientId, client.scopes)}</fieldset><button class="quiet">Save scopes</button></form>
<form method="post" action="${base}/admin/clients/${encodeURIComponent(client.clientId)}/delete"><button class="danger">Delete ${client.name}</button></form></section>`;
}

function secretSection(created: NewClient | undefined): Html {
  if (created === undefined) return html``;
  return html`<section class="notice" role="status"><h2>The client is made</h2><p>Copy the secret now; it is shown this once.</p>
<dl><dt>Client id</dt><dd><code id="new-client-id">${created.clientId}</code></dd><dt>Client secret</dt><dd><code id="new-client-secret">${created.clientSecret}</code></dd></dl></section>`;
}

function settingsSection(action: string, settings: SisSettings): Html {
  const now = new Map<string, string>(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  return html`<section><p>How this SIS departs from the standard. The first choice of each is the standard's.</p><form method="post" action="${action}">
${Object.entries(settingChoices).map(
  ([name, { label, choices }]) =>
    html`<label for="${name}">${label}</label><select id="${name}" name="${name}">${choices.map(
      (choice) =>
        html`<option value="${JSON.stringify(choice)}" ${now.get(name) === String(choice) ? 'selected' : ''}>${String(choice)}</option>`,
    )}</select>`,
)}<button>Save settings</button></form></section>`;
}

/** What a settings form says, or undefined where it is none. */
function settingsOf(form: URLSearchParams): SisSettings | undefined {
  try {
    const fields = [...form].map(([name, value]): [string, unknown] => [name, JSON.parse(value)]);
    return settingsSchema.safeParse(Object.fromEntries(fields)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The pages below `/<school>/admin`. */
export function adminRoutes(options: Options): Hono<Env> {
  const { clients, sessions, log, faults } = options;
  const app = new Hono<Env>();
  const base = (): string => `/${options.data().school.slug}`;
  const isSignedIn = (c: Context<Env>): boolean => sessions.current(c)?.school === options.data().school.slug;

  const signIn = (c: Context<Env>, wrong?: string): Response | Promise<Response> =>
    c.html(
      page({
        program: `Registra · ${options.data().school.name}`,
        title: 'Sign in',
        body: html`${notice(wrong, 'error')}<section><p>This is a demonstration. User <code>${sisAdmin.username}</code>, password <code>${sisAdmin.password}</code>.</p>
<form method="post" action="${base()}/admin/sign-in"><label for="username">User</label><input id="username" name="username" autocomplete="username" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required><button>Sign in</button></form></section>`,
      }),
      wrong === undefined ? 200 : 401,
    );

  const nav = (): Html =>
    html`<nav aria-label="Pages"><a href="${base()}/admin">API clients</a> · <a href="${base()}/admin/log">Request log</a> · <a href="${base()}/admin/faults">Faults</a> · <a href="${base()}/admin/settings">Settings</a></nav>
<form class="inline" method="post" action="${base()}/admin/sign-out"><button class="quiet">Sign out</button></form>`;

  const show = (c: Context<Env>, title: string, body: Html, status: 200 | 400 = 200): Response | Promise<Response> =>
    c.html(page({ program: `Registra · ${options.data().school.name}`, title, nav: nav(), body }), status);

  const home = (c: Context<Env>, created?: NewClient, error?: string): Response | Promise<Response> => {
    const { school } = options.data();
    const origin = new URL(c.req.url).origin;
    return show(
      c,
      'API clients',
      html`${notice(error, 'error')}${secretSection(created)}
<section><h2>Addresses</h2><dl><dt>OneRoster 1.2</dt><dd><code>${origin}${base()}${servicePath.v1p2}</code></dd><dt>OneRoster 1.1</dt><dd><code>${origin}${base()}${servicePath.v1p1}</code></dd>
<dt>Token address</dt><dd><code>${origin}${base()}/oauth/token</code></dd></dl></section>
${clients.list(school.slug).map((client) => clientSection(base(), client))}
<section aria-labelledby="new"><h2 id="new">New client</h2><form method="post" action="${base()}/admin/clients"><label for="name">Name</label><input id="name" name="name" required maxlength="80">
<fieldset><legend>Approved scopes</legend>${scopeBoxes('new', [])}</fieldset><button>Make client</button></form></section>`,
      error === undefined ? 200 : 400,
    );
  };

  app.use('*', async (c, next) => {
    if (c.req.method === 'POST' && !isOwnForm(c)) return c.text('This form was not posted from here.', 403);
    if (!c.req.path.endsWith('/sign-in') && !isSignedIn(c))
      return c.req.method === 'GET' ? signIn(c) : c.redirect(`${base()}/admin`, 303);
    await next();
    return undefined;
  });
  app.post('/sign-in', async (c) => {
    const form = await formOf(c);
    if (form.get('username') !== sisAdmin.username || form.get('password') !== sisAdmin.password)
      return signIn(c, 'User or password is wrong.');
    sessions.open(c, { school: options.data().school.slug });
    return c.redirect(`${base()}/admin`, 303);
  });
  app.post('/sign-out', (c) => {
    sessions.close(c);
    return c.redirect(`${base()}/admin`, 303);
  });
  app.get('/', (c) => home(c));
  app.post('/clients', async (c) => {
    const form = await formOf(c);
    const name = (form.get('name') ?? '').trim();
    if (name === '') return home(c, undefined, 'Give the client a name.');
    return home(c, clients.create(options.data().school.slug, { name, scopes: form.getAll('scope') }));
  });
  app.post('/clients/:id/scopes', async (c) => {
    const form = await formOf(c);
    const done = clients.approve(options.data().school.slug, c.req.param('id'), form.getAll('scope'));
    return done ? c.redirect(`${base()}/admin`, 303) : home(c, undefined, 'That client is gone.');
  });
  app.post('/clients/:id/delete', (c) => {
    const done = clients.remove(options.data().school.slug, c.req.param('id'));
    return done ? c.redirect(`${base()}/admin`, 303) : home(c, undefined, 'That client is gone.');
  });
  app.get('/log', (c) => {
    const entries = log.list({ school: options.data().school.slug }).filter(({ path }) => !path.includes('/admin'));
    return show(c, 'Request log', html`<section>${logTable(entries)}</section>`);
  });
  app.get('/faults', (c) => show(c, 'Faults', faultSection(faults, `${base()}/admin/faults`)));
  const settingsPage = (c: Context<Env>, error?: string): Response | Promise<Response> =>
    show(
      c,
      'Settings',
      html`${notice(error, 'error')}${settingsSection(`${base()}/admin/settings`, options.data().settings)}`,
      error === undefined ? 200 : 400,
    );
  app.get('/settings', (c) => settingsPage(c));
  app.post('/settings', async (c) => {
    const wanted = settingsOf(await formOf(c));
    if (wanted === undefined) return settingsPage(c, 'These are no settings.');
    Object.assign(options.data().settings, wanted);
    options.data().changed();
    return c.redirect(`${base()}/admin/settings`, 303);
  });
  app.post('/faults', async (c) => {
    const error = applyFaultForm(faults, Object.fromEntries(await formOf(c)));
    if (error === undefined) return c.redirect(`${base()}/admin/faults`, 303);
    return show(c, 'Faults', html`${notice(error, 'error')}${faultSection(faults, `${base()}/admin/faults`)}`, 400);
  });
  return app;
}
