/** Canvas's pages: sign-in, the consent of an OAuth request, and the administrator's developer keys. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Faults } from '../lib/faults.ts';
import { formOf } from '../lib/forms.ts';
import type { Html } from '../lib/html.ts';
import { applyFaultForm, faultSection, logTable, notice, page } from '../lib/html.ts';
import type { RequestLog } from '../lib/log.ts';
import { opaque } from '../lib/secrets.ts';
import type { Env } from '../lib/server.ts';
import type { Sessions } from '../lib/signin.ts';
import { isOwnForm } from '../lib/signin.ts';
import { servedScopes } from './api.ts';
import type { CanvasSettings } from './gate.ts';
import type { Mails } from './mails.ts';
import type { CanvasModel, User } from './model.ts';
import { canvasLogins } from './model.ts';
import type { CanvasOAuth, DeveloperKey } from './oauth.ts';
import { addRosterPages } from './roster-pages.ts';
import type { SisImports } from './sis/imports.ts';

type Options = {
  model: CanvasModel;
  oauth: CanvasOAuth;
  settings: CanvasSettings;
  sessions: Sessions<string>;
  log: RequestLog;
  faults: Faults;
  imports: SisImports;
  mails: Mails;
};

/** An authorization request that waits for its user's answer. */
type Pending = {
  key: DeveloperKey;
  redirectUri: string;
  state: string | null;
  scopes: readonly string[];
  challenge: string | null;
  purpose: string;
};

const lines = (text: string): string[] => [...new Set(text.split(/\s+/).filter((line) => line !== ''))];

/** The pages of one Canvas, mounted at its root. */
export function pageRoutes(options: Options): Hono<Env> {
  const { model, oauth, settings, sessions, log, faults } = options;
  const app = new Hono<Env>();
  const pending = new Map<string, Pending>();
  const program = `Canvas · ${model.school.name}`;

  const userOf = (c: Context<Env>): User | undefined => {
    const id = sessions.current(c);
    return id === undefined ? undefined : model.users.get(id);
  };
  const isAdmin = (c: Context<Env>): boolean => userOf(c)?.adminOf.includes(model.rootId) === true;
  const nav =
    (): Html => html`<nav aria-label="Pages"><a href="/roster">Roster</a> · <a href="/roster/imports">SIS imports</a> · <a href="/roster/mails">Mail</a> · <a href="/developer_keys">Developer keys</a> · <a href="/sandbox/settings">Settings</a> · <a href="/sandbox/log">Request log</a> · <a href="/sandbox/faults">Faults</a></nav>
<form class="inline" method="post" action="/logout"><button class="quiet">Log out</button></form>`;
  const show = (
    c: Context<Env>,
    title: string,
    body: Html,
    status: 200 | 400 | 401 | 404 = 200,
  ): Response | Promise<Response> =>
    c.html(page({ program, title, body, ...(isAdmin(c) ? { nav: nav() } : {}) }), status);

  const signIn = (c: Context<Env>, back: string, login = '', wrong?: string): Response | Promise<Response> =>
    show(
      c,
      'Log in',
      html`${notice(wrong, 'error')}<section><p>This is a demonstration. Users <code>${canvasLogins.admin}</code> (administrator), <code>${canvasLogins.siteAdmin}</code> (one site) and
<code>${canvasLogins.teacher}</code>; password <code>${canvasLogins.password}</code>.</p>
<form method="post" action="/login/canvas"><input type="hidden" name="back" value="${back}"><label for="unique_id">Login</label><input id="unique_id" name="unique_id" value="${login}" autocomplete="username" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required><button>Log in</button></form></section>`,
      wrong === undefined ? 200 : 401,
    );

  const finish = (
    c: Context<Env>,
    request: Pick<Pending, 'redirectUri' | 'state'>,
    answer: Record<string, string>,
  ): Response => {
    const url = new URL(request.redirectUri);
    for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
    if (request.state !== null) url.searchParams.set('state', request.state);
    return c.redirect(url.href, 302);
  };
  const issue = (c: Context<Env>, request: Pending, user: User): Response => {
    const { key, redirectUri, scopes, challenge } = request;
    const code = oauth.issueCode({
      keyId: key.id,
      userId: user.id,
      redirectUri,
      scopes: key.enforceScopes ? scopes : null,
      challenge: settings.pkce ? challenge : null,
    });
    return finish(c, request, { code });
  };

  app.use('*', async (c, next) => {
    if (c.req.method === 'POST' && !c.req.path.startsWith('/login/oauth2/token') && !isOwnForm(c))
      return c.text('This form was not posted from here.', 403);
    if (/^\/(developer_keys|sandbox\/|roster)/.test(c.req.path) && !isAdmin(c)) {
      if (c.req.method !== 'GET') return c.redirect('/developer_keys', 303);
      const wrong = userOf(c) === undefined ? undefined : 'Only an administrator of the whole account may do that.';
      return signIn(c, c.req.path, '', wrong);
    }
    await next();
    return undefined;
  });

  app.get('/', (c) =>
    show(
      c,
      'Dashboard',
      html`<section><p>${model.school.name} has ${model.courses.size} courses here.</p><p><a href="/roster">Roster</a> · <a href="/developer_keys">Developer keys</a></p></section>`,
    ),
  );
  app.get('/login/canvas', (c) => signIn(c, '/'));
  app.post('/login/canvas', async (c) => {
    const form = await formOf(c);
    const login = form.get('unique_id') ?? '';
    const asked = form.get('back') ?? '/';
    const back = asked.startsWith('/') && !asked.startsWith('//') ? asked : '/';
    const user = [...model.users.values()].find((entry) => entry.login === login);
    if (user === undefined || form.get('password') !== canvasLogins.password)
      return signIn(c, back, login, 'Please verify your login or password and try again.');
    sessions.open(c, user.id);
    return c.redirect(back, 303);
  });
  app.post('/logout', (c) => {
    sessions.close(c);
    return c.redirect('/login/canvas', 303);
  });

  app.get('/login/oauth2/auth', (c) => {
    const key = oauth.key(c.req.query('client_id') ?? '');
    if (key === undefined)
      return show(c, 'invalid_client', html`<section class="error" role="alert">unknown client</section>`, 401);
    const redirectUri = c.req.query('redirect_uri') ?? '';
    if (!key.redirectUris.includes(redirectUri)) {
      return show(
        c,
        'invalid_request',
        html`<section class="error" role="alert">redirect_uri does not match client settings</section>`,
        400,
      );
    }
    const request = { redirectUri, state: c.req.query('state') ?? null };
    const scopes = (c.req.query('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const challenge = c.req.query('code_challenge') ?? null;
    if (c.req.query('response_type') !== 'code') {
      return finish(c, request, {
        error: 'unsupported_response_type',
        error_description: 'Only response_type=code is permitted',
      });
    }
    if (settings.pkce && challenge !== null && c.req.query('code_challenge_method') !== 'S256') {
      return finish(c, request, { error: 'invalid_request', error_description: 'code_challenge_method must be S256' });
    }
    if (key.enforceScopes && (scopes.length === 0 || scopes.some((scope) => !key.scopes.includes(scope)))) {
      return finish(c, request, {
        error: 'invalid_scope',
        error_description:
          'A requested scope is invalid, unknown, malformed, or exceeds the scope granted by the resource owner.',
      });
    }
    const user = userOf(c);
    const waiting: Pending = { key, ...request, scopes, challenge, purpose: c.req.query('purpose') ?? '' };
    if (c.req.query('prompt') === 'none') {
      if (user === undefined)
        return finish(c, request, {
          error: 'login_required',
          error_description: 'prompt=none but there is no current session',
        });
      return oauth.hasConsent(key.id, user.id)
        ? issue(c, waiting, user)
        : finish(c, request, {
            error: 'interaction_required',
            error_description: 'prompt=none but expected user interaction',
          });
    }
    if (user === undefined || c.req.query('force_login') === '1') {
      const back = new URL(c.req.url);
      back.searchParams.delete('force_login');
      return signIn(c, `${back.pathname}${back.search}`, c.req.query('unique_id') ?? '');
    }
    const id = opaque();
    pending.set(id, waiting);
    const other = new URL(c.req.url);
    other.searchParams.set('force_login', '1');
    return show(
      c,
      `${key.name} is requesting access to your account`,
      html`<section><p>You are logged in as <strong>${user.name}</strong> (${user.login}).</p>
<p>You will be sent back to <code>${redirectUri}</code>.</p>
${key.enforceScopes ? html`<h2>It may use</h2><ul>${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>` : html`<p>It may do everything that you may do.</p>`}
<form class="inline" method="post" action="/login/oauth2/accept"><input type="hidden" name="request" value="${id}"><button>Authorize</button></form>
<form class="inline" method="post" action="/login/oauth2/deny"><input type="hidden" name="request" value="${id}"><button class="quiet">Cancel</button></form>
<p><a href="${other.pathname}${other.search}">Log in as somebody else</a></p></section>`,
    );
  });
  const answered = async (c: Context<Env>): Promise<Pending | undefined> => {
    const id = (await formOf(c)).get('request') ?? '';
    const request = pending.get(id);
    pending.delete(id);
    return request;
  };
  const stale = (c: Context<Env>): Response | Promise<Response> =>
    show(
      c,
      'This request has ended',
      html`<section class="error" role="alert">Start again from the application.</section>`,
      400,
    );
  app.post('/login/oauth2/accept', async (c) => {
    const request = await answered(c);
    const user = userOf(c);
    return request === undefined || user === undefined ? stale(c) : issue(c, request, user);
  });
  app.post('/login/oauth2/deny', async (c) => {
    const request = await answered(c);
    return request === undefined
      ? stale(c)
      : finish(c, request, { error: 'access_denied', error_description: 'The user denied access to the application.' });
  });

  const keyForm = (action: string, label: string, key?: DeveloperKey): Html => {
    const id = key?.id ?? 'new';
    return html`<form method="post" action="${action}">
${key === undefined ? html`<label for="name">Key name</label><input id="name" name="name" required>` : ''}
<label for="uris-${id}">Redirect URIs, one on each line</label><textarea id="uris-${id}" name="redirect_uris" rows="2" required>${(key?.redirectUris ?? []).join('\n')}</textarea>
<label class="choice"><input type="checkbox" name="enforce" value="1" ${key === undefined || key.enforceScopes ? 'checked' : ''}> Enforce scopes</label>
<label class="choice"><input type="checkbox" name="includes" value="1" ${key?.allowIncludes === true ? 'checked' : ''}> Allow include parameters</label>
<label for="scopes-${id}">Scopes, one on each line</label><textarea id="scopes-${id}" name="scopes" rows="6">${(key?.scopes ?? []).join('\n')}</textarea><button>${label}</button></form>`;
  };
  const keysPage = (c: Context<Env>, error?: string, made?: DeveloperKey): Response | Promise<Response> =>
    show(
      c,
      'Developer keys',
      html`${notice(error, 'error')}${made === undefined ? '' : notice(`The key ${made.name} is made: its id is ${made.id}.`)}
${oauth.keys().map(
  (key) => html`<section aria-label="Developer key ${key.id}"><h2>${key.name}</h2>
<dl><dt>ID</dt><dd><code>${key.id}</code></dd><dt>Key</dt><dd><details><summary>Show key</summary><code data-key="${key.id}">${key.secret}</code></details></dd></dl>
${keyForm(`/developer_keys/${key.id}`, 'Save', key)}
<form method="post" action="/developer_keys/${key.id}/delete"><button class="danger">Delete ${key.name}</button></form></section>`,
)}
<section aria-labelledby="new"><h2 id="new">New API key</h2>${keyForm('/developer_keys', 'Make key')}<details><summary>Scopes that this Canvas knows</summary><pre class="scroll" tabindex="0">${servedScopes.join('\n')}</pre></details></section>`,
      error === undefined ? 200 : 400,
    );
  /** What a key form says, or what is wrong with it. */
  const keyOf = (
    form: URLSearchParams,
  ): { redirectUris: string[]; scopes: string[]; enforceScopes: boolean; allowIncludes: boolean } | string => {
    const redirectUris = lines(form.get('redirect_uris') ?? '');
    const wrongUri = redirectUris.find((uri) => !URL.canParse(uri));
    if (redirectUris.length === 0 || wrongUri !== undefined)
      return `A redirect URI is missing or is not one: ${wrongUri ?? ''}`;
    const scopes = lines(form.get('scopes') ?? '');
    const wrong = scopes.find(
      (scope) =>
        !/^url:(GET|POST|PUT|PATCH|DELETE)\|\/api\/\S+$/.test(scope) &&
        !scope.startsWith('https://') &&
        scope !== '/auth/userinfo',
    );
    return wrong === undefined
      ? {
          redirectUris,
          scopes,
          enforceScopes: form.get('enforce') === '1',
          allowIncludes: form.get('includes') === '1',
        }
      : `This is not a scope: ${wrong}`;
  };
  app.get('/developer_keys', (c) => keysPage(c));
  app.post('/developer_keys', async (c) => {
    const form = await formOf(c);
    const wanted = keyOf(form);
    const name = (form.get('name') ?? '').trim();
    if (typeof wanted === 'string') return keysPage(c, wanted);
    return name === ''
      ? keysPage(c, 'Give the key a name.')
      : keysPage(c, undefined, oauth.createKey({ name, ...wanted }));
  });
  app.post('/developer_keys/:id', async (c) => {
    const wanted = keyOf(await formOf(c));
    if (typeof wanted === 'string') return keysPage(c, wanted);
    return oauth.updateKey(c.req.param('id'), wanted)
      ? c.redirect('/developer_keys', 303)
      : keysPage(c, 'That key is gone.');
  });
  app.post('/developer_keys/:id/delete', (c) =>
    oauth.deleteKey(c.req.param('id')) ? c.redirect('/developer_keys', 303) : keysPage(c, 'That key is gone.'),
  );

  app.get('/sandbox/settings', (c) =>
    show(
      c,
      'Settings',
      html`<section><form method="post" action="/sandbox/settings">
<label class="choice"><input type="checkbox" name="pkce" value="1" ${settings.pkce ? 'checked' : ''}> This Canvas knows PKCE</label>
<label class="choice"><input type="checkbox" name="forbidden403" value="1" ${settings.forbiddenStatus === 403 ? 'checked' : ''}> A missing permission is answered with 403 rather than 401</label>
<label class="choice"><input type="checkbox" name="throttle403" value="1" ${settings.throttleStatus === 403 ? 'checked' : ''}> Throttling is answered with 403 rather than 429</label><button>Save</button></form></section>`,
    ),
  );
  app.post('/sandbox/settings', async (c) => {
    const form = await formOf(c);
    settings.pkce = form.has('pkce');
    settings.forbiddenStatus = form.has('forbidden403') ? 403 : 401;
    settings.throttleStatus = form.has('throttle403') ? 403 : 429;
    return c.redirect('/sandbox/settings', 303);
  });
  addRosterPages(app, { model, imports: options.imports, mails: options.mails, show });
  app.get('/sandbox/log', (c) =>
    show(
      c,
      'Request log',
      html`<section>${logTable(log.list().filter(({ path }) => path.startsWith('/api/') || path === '/login/oauth2/token'))}</section>`,
    ),
  );
  app.get('/sandbox/faults', (c) => show(c, 'Faults', faultSection(faults, '/sandbox/faults')));
  app.post('/sandbox/faults', async (c) => {
    const error = applyFaultForm(faults, Object.fromEntries(await formOf(c)));
    return error === undefined
      ? c.redirect('/sandbox/faults', 303)
      : show(c, 'Faults', html`${notice(error, 'error')}${faultSection(faults, '/sandbox/faults')}`, 400);
  });
  return app;
}
