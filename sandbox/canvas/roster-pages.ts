/** What has arrived, for a person to look at: users, courses, sections, enrolments and groups, the SIS imports, and the mails not sent. */

import type { Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { Html } from '../lib/html.ts';
import type { Env } from '../lib/server.ts';
import type { Mails } from './mails.ts';
import type { CanvasModel } from './model.ts';
import type { SisImports } from './sis/imports.ts';

type Options = {
  model: CanvasModel;
  imports: SisImports;
  mails: Mails;
  show(c: Context<Env>, title: string, body: Html): Response | Promise<Response>;
};

/** So many rows stand on a page; the rest is found by its search. */
const SHOWN = 200;

const table = (caption: string, heads: readonly string[], rows: readonly (readonly (string | Html)[])[]): Html =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption class="hint">${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((text) => html`<td>${text}</td>`)}</tr>`)}</tbody></table></div>`;
const some = (count: number, total: number, what: string): string =>
  count < total ? `The first ${count} of ${total} ${what}` : `All ${what}: ${total}`;
const id = (sisId: string | null): Html => html`<code>${sisId ?? '–'}</code>`;

function searchForm(path: string, text: string): Html {
  return html`<form method="get" action="${path}"><label for="q">Name, login or SIS ID</label><input id="q" name="q" value="${text}"><button>Search</button></form>`;
}

/** Pages below `/roster`, for the administrator. */
export function addRosterPages(app: Hono<Env>, { model, imports, mails, show }: Options): void {
  const fits = (q: string, texts: readonly (string | null)[]): boolean =>
    texts.some((text) => text?.toLowerCase().includes(q.toLowerCase()) === true);
  const active = (userId: string): number =>
    [...model.enrollments.values()].filter((one) => one.userId === userId && one.state === 'active').length;

  app.get('/roster', (c) => {
    const q = c.req.query('q') ?? '';
    const users = [...model.users.values()].filter(({ name, login, sisId }) => fits(q, [name, login, sisId]));
    const courses = [...model.courses.values()].filter(({ name, code, sisId }) => fits(q, [name, code, sisId]));
    const groups = [...model.groups.values()].filter(({ name, sisId }) => fits(q, [name, sisId]));
    const terms = [...model.terms.values()];
    const shownUsers = users.slice(0, SHOWN);
    const shownCourses = courses.slice(0, SHOWN);
    return show(
      c,
      'Roster',
      html`<section>${searchForm('/roster', q)}</section>
<section><h2>Courses</h2>${table(
        some(shownCourses.length, courses.length, 'courses'),
        ['Course', 'Code', 'SIS ID', 'Account', 'Term', 'State', 'Sections', 'People'],
        shownCourses.map((course) => [
          html`<a href="/roster/courses/${course.id}">${course.name}</a>`,
          course.code,
          id(course.sisId),
          model.accounts.get(course.accountId)?.name ?? '',
          model.terms.get(course.termId)?.name ?? '',
          course.state,
          String(
            [...model.sections.values()].filter((one) => one.courseId === course.id && one.state === 'active').length,
          ),
          String(
            [...model.enrollments.values()].filter((one) => one.courseId === course.id && one.state === 'active')
              .length,
          ),
        ]),
      )}</section>
<section><h2>Users</h2>${table(
        some(shownUsers.length, users.length, 'users'),
        ['Name', 'Login', 'SIS ID', 'E-mail', 'State', 'Enrolments'],
        shownUsers.map((user) => [
          user.name,
          user.login,
          id(user.sisId),
          user.email ?? '',
          user.state,
          String(active(user.id)),
        ]),
      )}</section>
<section><h2>Groups</h2>${table(
        some(groups.length, groups.length, 'groups'),
        ['Group', 'SIS ID', 'State', 'Members'],
        groups.map((group) => [
          group.name,
          id(group.sisId),
          group.state,
          String(
            [...model.memberships.values()].filter((one) => one.groupId === group.id && one.state === 'accepted')
              .length,
          ),
        ]),
      )}</section>
<section><h2>Terms</h2>${table(
        some(terms.length, terms.length, 'terms'),
        ['Term', 'SIS ID', 'From', 'To', 'State'],
        terms.map((term) => [
          term.name,
          id(term.sisId),
          term.start?.slice(0, 10) ?? '',
          term.end?.slice(0, 10) ?? '',
          term.state,
        ]),
      )}</section>`,
    );
  });

  app.get('/roster/courses/:id', (c) => {
    const course = model.courses.get(c.req.param('id'));
    if (course === undefined) return c.redirect('/roster', 303);
    const sections = [...model.sections.values()].filter((section) => section.courseId === course.id);
    return show(
      c,
      course.name,
      html`<section><dl><dt>Code</dt><dd>${course.code}</dd><dt>SIS ID</dt><dd>${id(course.sisId)}</dd><dt>State</dt><dd>${course.state}</dd></dl></section>
${sections.map((section) => {
  const enrolled = [...model.enrollments.values()].filter((one) => one.sectionId === section.id);
  return html`<section aria-label="Section ${section.name}"><h2>${section.name}</h2><p>SIS ID ${id(section.sisId)}, ${section.state}</p>
${table(
  some(enrolled.length, enrolled.length, `enrolments in ${section.name}`),
  ['Name', 'Login', 'SIS ID', 'Role', 'State'],
  enrolled.map((one) => {
    const user = model.users.get(one.userId);
    return [
      user?.name ?? '',
      user?.login ?? '',
      id(user?.sisId ?? null),
      one.type.replace('Enrollment', ''),
      one.state,
    ];
  }),
)}</section>`;
})}`,
    );
  });

  app.get('/roster/imports', (c) => {
    imports.step();
    const list = [...imports.list()].reverse();
    return show(
      c,
      'SIS imports',
      html`<section>${table(
        some(list.length, list.length, 'imports'),
        ['Id', 'Created', 'State', 'Progress', 'Data set', 'Files', 'Messages'],
        list.map((one) => [
          one.id,
          one.createdAt.replace('T', ' ').slice(0, 19),
          one.state,
          `${one.progress} %`,
          html`<code>${one.options.dataSet ?? '–'}</code>${one.diffedAgainst === null ? '' : html` compared with ${one.diffedAgainst}`}`,
          one.csvNames.join(', '),
          html`${one.problems.length === 0 ? '' : html`<details><summary>${one.problems.length}</summary><ul>${one.problems.slice(0, SHOWN).map(({ file, row, message }) => html`<li>${file ?? ''}${row === null ? '' : `:${row}`} ${message}</li>`)}</ul></details>`}`,
        ]),
      )}</section>`,
    );
  });

  app.get('/roster/mails', (c) => {
    const list = [...mails.list()].reverse().slice(0, SHOWN);
    return show(
      c,
      'Mail',
      html`<section><p>What a real Canvas would have sent. Nothing leaves this program.</p>${
        list.length === 0
          ? html`<p>Nobody has been written to.</p>`
          : table(
              some(list.length, mails.list().length, 'mails'),
              ['Time', 'To', 'Notification', 'SIS import'],
              list.map(({ at, to, notification, importId }) => [
                at.replace('T', ' ').slice(0, 19),
                to,
                notification,
                importId ?? '–',
              ]),
            )
      }</section>`,
    );
  });
}
