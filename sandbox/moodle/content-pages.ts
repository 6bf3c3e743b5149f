/** What this Moodle holds, for its administrator to look at and to meddle with as teachers do: courses, users, cohorts, mail. */

import type { Context } from 'hono';
import { Hono } from 'hono';
import { html } from 'hono/html';
import type { Clock } from '../lib/clock.ts';
import { formOf } from '../lib/forms.ts';
import type { Html } from '../lib/html.ts';
import type { Env } from '../lib/server.ts';
import type { Enrolled, MoodleCourse, MoodleModel, MoodleUser } from './model.ts';
import { deleteCourse, deleteUser, roleNames } from './model.ts';

type Options = {
  model: MoodleModel;
  clock: Clock;
  keep(): void;
  show(c: Context<Env>, title: string, body: Html): Response | Promise<Response>;
};

/** Rows of a page: more are found by a search. */
const shown = 200;

const table = (label: string, heads: readonly string[], rows: readonly Html[]): Html =>
  html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead><tbody>${rows.slice(0, shown)}</tbody></table></div>
${rows.length > shown ? html`<p class="hint">The first ${shown} of ${rows.length}.</p>` : html`<p class="hint">${rows.length} in all.</p>`}`;

const search = (action: string, q: string): Html =>
  html`<form method="get" action="${action}"><label for="q">Search in names, short names and ID numbers</label><input id="q" name="q" value="${q}"><button>Search</button></form>`;

const state = (row: Enrolled): string => (row.suspended ? 'suspended' : 'active');

/** The pages, mounted at the root behind the sign-in. */
export function contentRoutes({ model, clock, keep, show }: Options): Hono<Env> {
  const app = new Hono<Env>();
  const queryOf = (c: Context<Env>): string => (c.req.query('q') ?? '').trim();
  const fits = (q: string, ...values: readonly string[]): boolean =>
    values.some((value) => value.toLowerCase().includes(q.toLowerCase()));
  const whole = (user: MoodleUser): string => `${user.firstname} ${user.lastname}`;
  const courseOf = (c: Context<Env>): MoodleCourse | undefined => model.courses.get(Number(c.req.param('id')));
  const gone = (c: Context<Env>): Response | Promise<Response> =>
    show(
      c,
      'Not here',
      html`<section><p>That is not here any more. <a href="/admin/courses">Back to the courses</a></p></section>`,
    );

  app.get('/admin/courses', (c) => {
    const q = queryOf(c);
    const rows = [...model.courses.values()]
      .filter((course) => course.id !== 1 && fits(q, course.fullname, course.shortname, course.idnumber))
      .toReversed()
      .map(
        (
          course,
        ) => html`<tr><td><a href="/admin/courses/${course.id}">${course.fullname}</a></td><td>${course.shortname}</td><td><code>${course.idnumber}</code></td>
<td>${model.categories.get(course.categoryId)?.name ?? ''}</td><td class="n">${(model.enrolled.get(course.id) ?? []).length}</td><td>${course.visible ? 'shown' : 'hidden'}</td></tr>`,
      );
    return show(
      c,
      'Courses',
      html`<section>${search('/admin/courses', q)}${table('Courses, newest first', ['Course', 'Short name', 'ID number', 'Category', 'People', 'State'], rows)}</section>`,
    );
  });

  app.get('/admin/courses/:id', (c) => {
    const course = courseOf(c);
    if (course === undefined) return gone(c);
    const groups = [...model.groups.values()].filter(({ courseId }) => courseId === course.id);
    const people = (model.enrolled.get(course.id) ?? []).flatMap((row) => {
      const user = model.users.get(row.userId);
      if (user === undefined) return [];
      const inGroups = groups.filter(({ members }) => members.includes(user.id)).map(({ name }) => name);
      return [
        html`<tr><td>${whole(user)}</td><td>${user.username}</td><td>${row.roleIds.map((id) => roleNames.get(id)).join(', ')}</td><td>${inGroups.join(', ')}</td><td>${state(row)}</td></tr>`,
      ];
    });
    return show(
      c,
      course.fullname,
      html`<section><p>Short name <code>${course.shortname}</code>, ID number <code>${course.idnumber === '' ? 'none' : course.idnumber}</code>, ${course.visible ? 'shown' : 'hidden'}. Activities: ${course.activities.length === 0 ? 'none but the announcements' : course.activities.join(', ')}.</p>
<form method="post" action="/admin/courses/${course.id}/rename"><label for="fullname">Course name</label><input id="fullname" name="fullname" value="${course.fullname}" required><button>Rename</button></form>
<form method="post" action="/admin/courses/${course.id}/activity"><label for="activity">Assignment</label><input id="activity" name="activity" required><button class="quiet">Add to the course</button></form>
<form method="post" action="/admin/courses/${course.id}/delete"><button class="danger">Delete ${course.fullname}</button></form></section>
<section><h2>Groups</h2>${table(
        'Groups',
        ['Group', 'ID number', 'Members'],
        groups.map(
          (group) =>
            html`<tr><td>${group.name}</td><td><code>${group.idnumber}</code></td><td class="n">${group.members.length}</td></tr>`,
        ),
      )}</section>
<section><h2>People</h2>${table('People', ['Name', 'Username', 'Roles', 'Groups', 'Enrolment'], people)}</section>`,
    );
  });
  app.post('/admin/courses/:id/rename', async (c) => {
    const course = courseOf(c);
    if (course === undefined) return gone(c);
    const name = ((await formOf(c)).get('fullname') ?? '').trim();
    if (name !== '') course.fullname = name;
    keep();
    return c.redirect(`/admin/courses/${course.id}`, 303);
  });
  app.post('/admin/courses/:id/activity', async (c) => {
    const course = courseOf(c);
    if (course === undefined) return gone(c);
    const name = ((await formOf(c)).get('activity') ?? '').trim();
    if (name !== '') course.activities.push(name);
    keep();
    return c.redirect(`/admin/courses/${course.id}`, 303);
  });
  app.post('/admin/courses/:id/delete', (c) => {
    if (!deleteCourse(model, Number(c.req.param('id')))) return gone(c);
    keep();
    return c.redirect('/admin/courses', 303);
  });

  app.get('/admin/users', (c) => {
    const q = queryOf(c);
    const rows = [...model.users.values()]
      .filter((user) => fits(q, whole(user), user.username, user.email, user.idnumber))
      .toReversed()
      .map(
        (
          user,
        ) => html`<tr><td>${whole(user)}</td><td>${user.username}</td><td>${user.email}</td><td><code>${user.idnumber}</code></td><td>${user.auth}</td><td>${user.deleted ? 'deleted' : user.suspended ? 'suspended' : 'active'}</td>
<td>${user.deleted || user.isAdmin ? '' : html`<form method="post" action="/admin/users/${user.id}/delete"><button class="danger">Delete ${user.username}</button></form>`}</td></tr>`,
      );
    return show(
      c,
      'Users',
      html`<section>${search('/admin/users', q)}${table('Users, newest first', ['Name', 'Username', 'Email', 'ID number', 'Signs in by', 'State', 'Action'], rows)}</section>`,
    );
  });
  app.post('/admin/users/:id/delete', (c) => {
    if (!deleteUser(model, Number(c.req.param('id')), Math.floor(clock.now() / 1000))) return gone(c);
    keep();
    return c.redirect('/admin/users', 303);
  });

  app.get('/admin/cohorts', (c) =>
    show(
      c,
      'Cohorts',
      html`<section>${table(
        'Cohorts',
        ['Cohort', 'ID number', 'Members', 'State'],
        [...model.cohorts.values()].map(
          (cohort) =>
            html`<tr><td>${cohort.name}</td><td><code>${cohort.idnumber}</code></td><td class="n">${cohort.members.length}</td><td>${cohort.visible ? 'shown' : 'hidden'}</td></tr>`,
        ),
      )}</section>`,
    ),
  );

  app.get('/admin/mail', (c) =>
    show(
      c,
      'Mail',
      html`<section><p>What a real Moodle would have mailed to people because of web service calls. Nothing leaves this program.</p>${
        model.mails.length === 0
          ? html`<p>Nothing was mailed to anybody.</p>`
          : table(
              'Mail',
              ['Time', 'To', 'What'],
              model.mails
                .toReversed()
                .map(
                  (mail) =>
                    html`<tr><td>${new Date(mail.at * 1000).toISOString().slice(0, 19).replace('T', ' ')}</td><td>${mail.to}</td><td>${mail.kind === 'new-password' ? 'New password' : `Welcome to ${model.courses.get(mail.courseId)?.fullname ?? 'a course'}`}</td></tr>`,
                ),
            )
      }</section>`,
    ),
  );
  return app;
}
