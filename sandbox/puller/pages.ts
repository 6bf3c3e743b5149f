/** The administrator's pages: the schools whose rosters this LMS pulls, and what it received of each. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { formOf } from '../lib/forms.ts';
import type { Html } from '../lib/html.ts';
import { notice, page } from '../lib/html.ts';
import type { Env } from '../lib/server.ts';
import type { Sessions } from '../lib/signin.ts';
import { isOwnForm } from '../lib/signin.ts';
import type { Asked } from './client.ts';
import type { Page, RecordOf, Roster } from './roster.ts';
import { countsOf, isHomeClass, looseEndsOf, pages, streamsOf } from './roster.ts';
import type { Outcome, Source } from './source.ts';
import type { Sources } from './sources.ts';
import { NotASource } from './sources.ts';

/** What anybody may sign in with; it stands on the page. */
export const pullerAdmin = { username: 'admin', password: 'atrium-demo' } as const;

const titles: Record<Page, string> = {
  groups: 'Groups',
  classes: 'Classes',
  streams: 'Streams',
  subjects: 'Subjects',
  terms: 'Terms',
  sites: 'Sites',
  teachers: 'Teachers',
  students: 'Students',
  enrolments: 'Enrolments',
};
const collectionTitles: Record<Outcome['collection'], string> = {
  orgs: 'Sites',
  academicSessions: 'Terms',
  courses: 'Subjects',
  classes: 'Classes and groups',
  teachers: 'Teachers',
  students: 'Students',
  enrollments: 'Enrolments',
};
const versions: Record<Source['version'], string> = { v1p2: 'OneRoster 1.2', v1p1: 'OneRoster 1.1' };
const authentications: Record<Source['authentication'], string> = {
  basic: 'OAuth 2, credentials in the header',
  body: 'OAuth 2, credentials in the body',
  oauth1: 'OAuth 1.0a signatures (OneRoster 1.1)',
};

const ROWS = 100;
const time = (at: string): Html => html`<time datetime="${at}">${at.replace('T', ' ').slice(0, 19)} UTC</time>`;

type Cell = string | number | Html;
type Table = { readonly headings: readonly string[]; readonly rows: readonly (readonly Cell[])[] };

const numeric = (cell: Cell | undefined): Html => (typeof cell === 'number' ? html`class="n"` : html``);

function table(label: string, { headings, rows }: Table, caption: string): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><caption class="hint">${caption}</caption>
<thead><tr>${headings.map((heading, at) => html`<th scope="col" ${numeric(rows[0]?.[at])}>${heading}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td ${numeric(cell)}>${typeof cell === 'number' ? cell.toLocaleString('en') : cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

const names = (list: readonly string[]): string => [...list].sort((a, b) => a.localeCompare(b)).join(', ');

/** Who is in each class, by role. */
function membersOf(roster: Roster): (classId: string, role: 'teacher' | 'student') => readonly string[] {
  const people = new Map([...roster.teachers, ...roster.students].map(({ id, name }) => [id, name]));
  const members = new Map<string, string[]>();
  for (const { classId, userId, role } of roster.enrollments) {
    const key = JSON.stringify([classId, role]);
    const list = members.get(key) ?? [];
    list.push(people.get(userId) ?? `${userId} (not received)`);
    members.set(key, list);
  }
  return (classId, role) => members.get(JSON.stringify([classId, role])) ?? [];
}

/** What a page lists. */
function tableOf(which: Page, source: Source): Table {
  const { roster } = source;
  const here = `/sources/${source.id}`;
  const nameOf = (records: readonly { id: string; title?: string; name?: string }[]): ((id: string) => string) => {
    const found = new Map(records.map(({ id, title, name }) => [id, title ?? name ?? id]));
    return (id) => found.get(id) ?? id;
  };
  const subject = nameOf(roster.courses);
  const site = nameOf(roster.orgs);
  const members = membersOf(roster);
  const classRow = (group: RecordOf['classes']): Cell[] => [
    html`<a href="${here}/groups/${encodeURIComponent(group.id)}">${group.title}</a>`,
    subject(group.courseId),
    group.stream?.name ?? '',
    site(group.siteId),
    names(members(group.id, 'teacher')),
    members(group.id, 'student').length,
  ];
  const classHeadings = ['Name', 'Subject', 'Stream', 'Site', 'Teachers', 'Students'];
  switch (which) {
    case 'groups':
      return { headings: classHeadings, rows: roster.classes.filter((one) => !isHomeClass(one)).map(classRow) };
    case 'classes':
      return { headings: classHeadings, rows: roster.classes.filter(isHomeClass).map(classRow) };
    case 'streams':
      return {
        headings: ['Name', 'Code', 'Classes and groups'],
        rows: streamsOf(roster).map(({ name, code, groups }) => [name, code, groups]),
      };
    case 'subjects':
      return {
        headings: ['Name', 'Code', 'Subject codes'],
        rows: roster.courses.map(({ title, code, codes }) => [title, code, codes.join(', ')]),
      };
    case 'terms':
      return {
        headings: ['Name', 'Kind', 'From', 'To'],
        rows: roster.academicSessions.map(({ title, kind, start, end }) => [title, kind, start, end]),
      };
    case 'sites':
      return { headings: ['Name', 'Kind'], rows: roster.orgs.map(({ name, kind }) => [name, kind]) };
    case 'teachers':
      return {
        headings: ['Name', 'Username', 'E-mail'],
        rows: roster.teachers.map(({ name, username, email }) => [name, username, email]),
      };
    case 'students':
      return {
        headings: ['Name', 'Username', 'E-mail', 'Grade'],
        rows: roster.students.map(({ name, username, email, grades }) => [name, username, email, grades.join(', ')]),
      };
    case 'enrolments': {
      const group = nameOf(roster.classes);
      const person = nameOf([...roster.teachers, ...roster.students]);
      return {
        headings: ['Class or group', 'Person', 'Role'],
        rows: roster.enrollments.map(({ classId, userId, role, primary }) => [
          group(classId),
          person(userId),
          primary ? `${role}, primary` : role,
        ]),
      };
    }
  }
}

function outcomeRow(outcome: Outcome): Cell[] {
  const title = collectionTitles[outcome.collection];
  if (outcome.how === 'not-shared') return [title, 'not shared by the school', '', '', ''];
  return [
    title,
    outcome.how === 'full' ? 'all of it' : 'what changed',
    outcome.received,
    outcome.unchangedPages,
    outcome.total ?? 'not told',
  ];
}

function lastPullSection({ lastPull, roster }: Source): Html {
  if (lastPull === null) return html`<section><h2>Last pull</h2><p>Nothing was pulled yet.</p></section>`;
  const unreadable = lastPull.outcomes.reduce((sum, outcome) => sum + outcome.unreadable, 0);
  const loose = looseEndsOf(roster);
  const outcomes = {
    headings: ['Collection', 'What was asked', 'Records sent', 'Pages unchanged', 'The server counts'],
    rows: lastPull.outcomes.map(outcomeRow),
  };
  return html`<section><h2>Last pull</h2>
<p>${time(lastPull.at)}: ${lastPull.requests} requests in ${(lastPull.milliseconds / 1_000).toFixed(1)} s.</p>
${
  lastPull.outcomes.length === 0
    ? ''
    : html`${table('Last pull by collection', outcomes, 'What came of each collection')}
<p>${unreadable === 0 ? 'Every record could be read.' : `${unreadable} records could not be read and were left out.`}
${loose === 0 ? 'Every record that another names was received.' : `${loose} records name another that was not received.`}</p>`
}</section>`;
}

/** How things stand with a source, as the first line of its page. */
function standing({ lastPull, receivedAt }: Source): Html {
  if (lastPull === null) return html`<section>Nothing was received yet. Press Pull.</section>`;
  const before = receivedAt === null ? html`` : html` What was received at ${time(receivedAt)} is kept.`;
  return lastPull.trouble === null
    ? html`<section class="notice" role="status">Everything that the school shares was received at ${time(lastPull.at)}.</section>`
    : html`<section class="error" role="alert">${lastPull.trouble}${before}</section>`;
}

function fields(chosen: Partial<Record<keyof Source, unknown>>, isNew: boolean): Html {
  const value = (name: keyof Source): string => String(chosen[name] ?? '');
  const input = (name: keyof Source, label: string, type = 'text', hint = ''): Html =>
    html`<label for="${name}">${label}</label><input id="${name}" name="${name}" type="${type}" value="${value(name)}" autocomplete="off"
${name === 'tokenUrl' || (name === 'clientSecret' && !isNew) ? '' : 'required'} ${hint === '' ? '' : html`aria-describedby="${name}-hint"`}>
${hint === '' ? '' : html`<p class="hint" id="${name}-hint">${hint}</p>`}`;
  const select = (name: keyof Source, label: string, choices: Record<string, string>): Html =>
    html`<label for="${name}">${label}</label><select id="${name}" name="${name}">${Object.entries(choices).map(
      ([key, text]) => html`<option value="${key}" ${value(name) === key ? 'selected' : ''}>${text}</option>`,
    )}</select>`;
  return html`${input('name', 'Name of the school')}
${select('version', 'Version', versions)}
${input('baseUrl', 'Base URL', 'url')}
${input('tokenUrl', 'Token URL', 'url', 'Not needed where every request is signed.')}
${input('clientId', 'Client id')}
${input('clientSecret', 'Client secret', 'password', isNew ? '' : 'Leave it empty to keep the one that is stored.')}
${select('authentication', 'Signing in', authentications)}
${input('limit', 'Records asked for at once', 'number')}`;
}

const blank = { version: 'v1p2', authentication: 'basic', limit: 1_000 } as const;

/** The pages of the LMS, mounted at its root. */
export function pageRoutes(options: {
  sources: Sources;
  sessions: Sessions<true>;
  asked: (sourceId: string) => readonly Asked[];
}): Hono<Env> {
  const { sources, sessions } = options;
  const app = new Hono<Env>();
  const program = 'Atrium';

  const show = (
    c: Context<Env>,
    title: string,
    body: Html,
    status: 200 | 400 | 404 = 200,
  ): Response | Promise<Response> => {
    const nav = html`<nav aria-label="Pages"><a href="/">Schools</a></nav>
<form class="inline" method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`;
    return c.html(page({ program, title, nav, body }), status);
  };
  const signIn = (c: Context<Env>, wrong?: string): Response | Promise<Response> =>
    c.html(
      page({
        program,
        title: 'Sign in',
        body: html`${notice(wrong, 'error')}<section><p>This is a demonstration. User <code>${pullerAdmin.username}</code>, password <code>${pullerAdmin.password}</code>.</p>
<form method="post" action="/sign-in"><label for="username">User</label><input id="username" name="username" autocomplete="username" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required><button>Sign in</button></form></section>`,
      }),
      wrong === undefined ? 200 : 401,
    );
  const gone = (c: Context<Env>): Response | Promise<Response> =>
    show(
      c,
      'This is not here',
      html`<section class="error" role="alert"><a href="/">Back to the schools</a></section>`,
      404,
    );

  app.use('*', async (c, next) => {
    if (c.req.method === 'POST' && !isOwnForm(c)) return c.text('This form was not posted from here.', 403);
    if (c.req.path !== '/sign-in' && sessions.current(c) === undefined)
      return c.req.method === 'GET' ? signIn(c) : c.redirect('/', 303);
    await next();
    return undefined;
  });
  app.post('/sign-in', async (c) => {
    const form = await formOf(c);
    if (form.get('username') !== pullerAdmin.username || form.get('password') !== pullerAdmin.password)
      return signIn(c, 'User or password is wrong.');
    sessions.open(c, true);
    return c.redirect('/', 303);
  });
  app.post('/sign-out', (c) => {
    sessions.close(c);
    return c.redirect('/', 303);
  });

  const home = (
    c: Context<Env>,
    error?: string,
    entered: Partial<Record<keyof Source, unknown>> = blank,
  ): Response | Promise<Response> => {
    const list = sources.list();
    const rows = list.map((source): Cell[] => {
      const counts = countsOf(source.roster);
      return [
        html`<a href="/sources/${source.id}">${source.name}</a>`,
        versions[source.version],
        counts.groups,
        counts.students,
        source.lastPull?.trouble ??
          (source.receivedAt === null ? 'Nothing received yet' : html`Received ${time(source.receivedAt)}`),
      ];
    });
    return show(
      c,
      'Schools',
      html`${notice(error, 'error')}
<section>${
        list.length === 0
          ? html`<p>Atrium is an LMS that pulls its roster. Enter the addresses and the client that a school gave you.</p>`
          : table(
              'Schools',
              { headings: ['School', 'Version', 'Groups', 'Students', 'State'], rows },
              'Where rosters come from',
            )
      }</section>
<section aria-labelledby="new"><h2 id="new">New school</h2><form method="post" action="/sources">${fields(entered, true)}<p><button>Save the school</button></p></form></section>`,
      error === undefined ? 200 : 400,
    );
  };
  app.get('/', (c) => home(c));
  app.post('/sources', async (c) => {
    const entered = Object.fromEntries(await formOf(c));
    try {
      return c.redirect(`/sources/${sources.add(entered).id}`, 303);
    } catch (error) {
      if (error instanceof NotASource) return home(c, error.message, entered);
      throw error;
    }
  });

  const overview = (c: Context<Env>, source: Source, error?: string): Response | Promise<Response> => {
    const here = `/sources/${source.id}`;
    const counts = countsOf(source.roster);
    const rows = pages.map((which): Cell[] => [html`<a href="${here}/${which}">${titles[which]}</a>`, counts[which]]);
    return show(
      c,
      source.name,
      html`${notice(error, 'error')}${standing(source)}
<section><h2>Received</h2>${table('Received', { headings: ['What', 'How many'], rows }, 'What this school shares')}
<form class="inline" method="post" action="${here}/pull"><button>Pull</button></form>
<form class="inline" method="post" action="${here}/pull"><input type="hidden" name="everything" value="1"><button class="quiet">Pull everything again</button></form></section>
${lastPullSection(source)}
<section><h2>Connection</h2><form method="post" action="${here}">${fields({ ...source, clientSecret: '' }, false)}<p><button class="quiet">Save the connection</button></p></form>
<p><a href="${here}/requests">What was asked of the school's server</a></p>
<form method="post" action="${here}/forget"><button class="danger">Forget ${source.name} and all that was received</button></form></section>`,
      error === undefined ? 200 : 400,
    );
  };
  app.get('/sources/:id', (c) => {
    const source = sources.one(c.req.param('id'));
    return source === undefined ? gone(c) : overview(c, source);
  });
  app.post('/sources/:id', async (c) => {
    const source = sources.one(c.req.param('id'));
    if (source === undefined) return gone(c);
    try {
      sources.change(source.id, Object.fromEntries(await formOf(c)));
    } catch (error) {
      if (error instanceof NotASource) return overview(c, source, error.message);
      throw error;
    }
    return c.redirect(`/sources/${source.id}`, 303);
  });
  app.post('/sources/:id/pull', async (c) => {
    const source = sources.one(c.req.param('id'));
    if (source === undefined) return gone(c);
    await sources.pull(source.id, { everything: (await formOf(c)).get('everything') === '1' });
    return c.redirect(`/sources/${source.id}`, 303);
  });
  app.post('/sources/:id/forget', (c) => {
    sources.remove(c.req.param('id'));
    return c.redirect('/', 303);
  });

  app.get('/sources/:id/requests', (c) => {
    const source = sources.one(c.req.param('id'));
    if (source === undefined) return gone(c);
    const entries = options.asked(source.id).toReversed();
    const rows = entries.map(({ at, method, path, status, milliseconds }): Cell[] => [
      time(at),
      method,
      html`<span class="mono">${path}</span>`,
      status === 0 ? 'no answer' : status,
      milliseconds,
    ]);
    return show(
      c,
      `Requests to ${source.name}`,
      html`<p><a href="/sources/${source.id}">Back to ${source.name}</a></p><section>${table(
        'Requests',
        { headings: ['Time', 'Method', 'Path', 'Status', 'Milliseconds'], rows },
        `The newest ${rows.length} requests`,
      )}</section>`,
    );
  });

  app.get('/sources/:id/groups/:group', (c) => {
    const source = sources.one(c.req.param('id'));
    const group = source?.roster.classes.find(({ id }) => id === c.req.param('group'));
    if (source === undefined || group === undefined) return gone(c);
    const members = membersOf(source.roster);
    const list = (role: 'teacher' | 'student', title: string): Html =>
      html`<section aria-labelledby="${role}"><h2 id="${role}">${title}</h2>${
        members(group.id, role).length === 0
          ? html`<p>None was received.</p>`
          : html`<ul>${members(group.id, role)
              .toSorted((a, b) => a.localeCompare(b))
              .map((name) => html`<li>${name}</li>`)}</ul>`
      }</section>`;
    return show(
      c,
      group.title,
      html`<p><a href="/sources/${source.id}/${isHomeClass(group) ? 'classes' : 'groups'}">Back to ${source.name}</a></p>${list('teacher', 'Teachers')}${list('student', 'Students')}`,
    );
  });

  app.get('/sources/:id/:page', (c) => {
    const source = sources.one(c.req.param('id'));
    const which = pages.find((one) => one === c.req.param('page'));
    if (source === undefined || which === undefined) return gone(c);
    const { headings, rows } = tableOf(which, source);
    const last = Math.max(1, Math.ceil(rows.length / ROWS));
    const wanted = Number(c.req.query('page') ?? '1');
    const at = Number.isInteger(wanted) ? Math.min(Math.max(wanted, 1), last) : 1;
    const shown = rows.slice((at - 1) * ROWS, at * ROWS);
    const to = (target: number, label: string): Html =>
      target < 1 || target > last ? html`` : html`<a href="?page=${target}">${label}</a> `;
    return show(
      c,
      `${titles[which]} of ${source.name}`,
      html`<p><a href="/sources/${source.id}">Back to ${source.name}</a></p><section>${
        rows.length === 0
          ? html`<p>None was received.</p>`
          : html`${table(titles[which], { headings, rows: shown }, `${rows.length} received, page ${at} of ${last}`)}
<p>${to(at - 1, 'Previous page')}${to(at + 1, 'Next page')}</p>`
      }</section>`,
    );
  });
  return app;
}
