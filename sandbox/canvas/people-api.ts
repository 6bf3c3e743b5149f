/** `/api/v1`: enrolments, groups, logins, and the changes that people make by hand. Source: Canvas LMS API documentation. */

import type { Context } from 'hono';
import { z } from 'zod';
import type { Env } from '../lib/server.ts';
import type { ApiOptions, Caller, Gate } from './gate.ts';
import { Denied, lookUp, notFound } from './gate.ts';
import type { Course, Enrollment, Group, User } from './model.ts';
import type { Wire } from './wire.ts';

/** The fields of a change: `course[name]` of a form, or the same nested in JSON. */
export async function fieldsOf(c: Context<Env>, name: string): Promise<Record<string, string>> {
  const type = c.req.header('content-type') ?? '';
  if (type.includes('json')) {
    const body = z.record(z.string(), z.unknown()).parse(await c.req.json());
    const inner = z.record(z.string(), z.coerce.string()).safeParse(body[name]);
    return inner.success ? inner.data : {};
  }
  const form = new URLSearchParams(await c.req.text());
  const prefix = `${name}[`;
  return Object.fromEntries(
    [...form]
      .filter(([key]) => key.startsWith(prefix) && key.endsWith(']'))
      .map(([key, value]) => [key.slice(prefix.length, -1), value]),
  );
}

const taken = (field: string, what: string): Denied =>
  new Denied(400, { errors: { [field]: [{ attribute: field, type: 'taken', message: `${what} is already in use` }] } });

export function addPeopleRoutes(options: ApiOptions, gate: Gate, wire: Wire): void {
  const { model, onChange } = options;
  const { app, enter, denied, includesOf, administered, mayRead, write, page } = gate;

  const claim = <T extends { id: string; sisId: string | null }>(
    records: Map<string, T>,
    record: T,
    wanted: string | undefined,
    field: string,
  ): void => {
    if (wanted === undefined) return;
    const sisId = wanted === '' ? null : wanted;
    if (sisId !== null && [...records.values()].some((other) => other !== record && other.sisId === sisId))
      throw taken(field, `SIS ID "${sisId}"`);
    record.sisId = sisId;
  };
  const change = (record: { stuck: string[] }, fields: Record<string, string>, names: Record<string, string>): void => {
    for (const [wireName, property] of Object.entries(names)) {
      const value = fields[wireName];
      if (value === undefined) continue;
      Object.assign(record, { [property]: value });
      if (!record.stuck.includes(wireName)) record.stuck.push(wireName);
    }
  };
  const isTeacher = (caller: Caller, course: Course): boolean => mayRead(caller, course);

  app.get('/users/:user_id/logins', (c) => {
    const caller = enter(c, '/users/:user_id/logins');
    const user = lookUp(model.users, c.req.param('user_id'), 'sis_user_id', caller);
    if (!caller.isRootAdmin && user.id !== caller.user.id) throw denied();
    return write(c, page(c, user.state === 'deleted' ? [] : [wire.login(user)]));
  });
  app.put('/accounts/:account_id/logins/:id', async (c) => {
    const caller = enter(c, '/accounts/:account_id/logins/:id');
    administered(c, caller, 'account_id');
    const user = [...model.users.values()].find(({ loginId }) => loginId === c.req.param('id'));
    if (user === undefined) throw notFound();
    const fields = await fieldsOf(c, 'login');
    claim(model.users, user, fields.sis_user_id, 'sis_user_id');
    change(user, fields, { unique_id: 'login' });
    onChange();
    return write(c, wire.login(user));
  });
  app.put('/accounts/:id', async (c) => {
    const caller = enter(c, '/accounts/:id');
    const account = administered(c, caller, 'id');
    const fields = await fieldsOf(c, 'account');
    claim(model.accounts, account, fields.sis_account_id, 'sis_source_id');
    change(account, fields, { name: 'name' });
    onChange();
    return write(c, wire.account(account, caller));
  });
  app.put('/accounts/:account_id/terms/:id', async (c) => {
    const caller = enter(c, '/accounts/:account_id/terms/:id');
    if (administered(c, caller, 'account_id').id !== model.rootId) throw notFound();
    const term = lookUp(model.terms, c.req.param('id'), 'sis_term_id', caller);
    const fields = await fieldsOf(c, 'enrollment_term');
    claim(model.terms, term, fields.sis_term_id, 'sis_source_id');
    change(term, fields, { name: 'name', start_at: 'start', end_at: 'end' });
    onChange();
    return write(c, wire.term(term, caller));
  });
  app.put('/courses/:id', async (c) => {
    const caller = enter(c, '/courses/:id');
    const course = lookUp(model.courses, c.req.param('id'), 'sis_course_id', caller);
    if (!isTeacher(caller, course)) throw denied();
    const fields = await fieldsOf(c, 'course');
    if (fields.sis_course_id !== undefined && !caller.seesSis) throw denied();
    claim(model.courses, course, fields.sis_course_id, 'sis_source_id');
    change(course, fields, { name: 'name', course_code: 'code' });
    if (fields.event === 'offer') course.state = 'available';
    onChange();
    return write(c, wire.course(course, caller, includesOf(c, caller)));
  });
  app.delete('/courses/:id', (c) => {
    const caller = enter(c, '/courses/:id');
    const course = lookUp(model.courses, c.req.param('id'), 'sis_course_id', caller);
    if (!isTeacher(caller, course)) throw denied();
    const event = c.req.query('event');
    if (event !== 'delete' && event !== 'conclude')
      throw new Denied(400, { message: "Only 'delete' and 'conclude' are permitted" });
    course.state = event === 'delete' ? 'deleted' : 'completed';
    if (!course.stuck.includes('workflow_state')) course.stuck.push('workflow_state');
    for (const enrollment of model.enrollments.values())
      if (enrollment.courseId === course.id && enrollment.state !== 'deleted')
        enrollment.state = event === 'delete' ? 'deleted' : 'completed';
    onChange();
    return write(c, { [event]: true });
  });
  app.put('/sections/:id', async (c) => {
    const caller = enter(c, '/sections/:id');
    const section = lookUp(model.sections, c.req.param('id'), 'sis_section_id', caller);
    const course = model.courses.get(section.courseId);
    if (course === undefined || !isTeacher(caller, course)) throw denied();
    const fields = await fieldsOf(c, 'course_section');
    if (fields.sis_section_id !== undefined && !caller.seesSis) throw denied();
    claim(model.sections, section, fields.sis_section_id, 'sis_source_id');
    change(section, fields, { name: 'name' });
    onChange();
    return write(c, wire.section(section, caller));
  });

  const listEnrollments = (c: Context<Env>, caller: Caller, belongs: (one: Enrollment) => boolean): Response => {
    const states = c.req.queries('state[]') ?? ['active', 'invited'];
    const types = c.req.queries('type[]') ?? [];
    const found = [...model.enrollments.values()].filter(
      (one) => belongs(one) && states.includes(one.state) && (types.length === 0 || types.includes(one.type)),
    );
    return write(
      c,
      page(c, found).map((one) => wire.enrollment(one, caller)),
    );
  };
  app.get('/courses/:course_id/enrollments', (c) => {
    const caller = enter(c, '/courses/:course_id/enrollments');
    const course = lookUp(model.courses, c.req.param('course_id'), 'sis_course_id', caller);
    if (!mayRead(caller, course)) throw denied();
    return listEnrollments(c, caller, ({ courseId }) => courseId === course.id);
  });
  app.get('/sections/:section_id/enrollments', (c) => {
    const caller = enter(c, '/sections/:section_id/enrollments');
    const section = lookUp(model.sections, c.req.param('section_id'), 'sis_section_id', caller);
    const course = model.courses.get(section.courseId);
    if (course === undefined || !mayRead(caller, course)) throw denied();
    return listEnrollments(c, caller, ({ sectionId }) => sectionId === section.id);
  });
  app.get('/users/:user_id/enrollments', (c) => {
    const caller = enter(c, '/users/:user_id/enrollments');
    const text = c.req.param('user_id');
    const user = text === 'self' ? caller.user : lookUp(model.users, text, 'sis_user_id', caller);
    if (!caller.isRootAdmin && user.id !== caller.user.id) throw denied();
    return listEnrollments(c, caller, ({ userId }) => userId === user.id);
  });
  const usersOf = (ids: Iterable<string>): User[] =>
    [...new Set(ids)].map((id) => model.users.get(id)).filter((user) => user !== undefined);
  app.get('/courses/:course_id/users', (c) => {
    const caller = enter(c, '/courses/:course_id/users');
    const course = lookUp(model.courses, c.req.param('course_id'), 'sis_course_id', caller);
    if (!mayRead(caller, course)) throw denied();
    const active = [...model.enrollments.values()].filter(
      (one) => one.courseId === course.id && one.state === 'active',
    );
    const includes = includesOf(c, caller);
    return write(
      c,
      page(c, usersOf(active.map(({ userId }) => userId))).map((user) => wire.user(user, caller, includes)),
    );
  });
  app.get('/accounts/:account_id/groups', (c) => {
    const caller = enter(c, '/accounts/:account_id/groups');
    const account = administered(c, caller, 'account_id');
    const found = [...model.groups.values()].filter(
      (group) => group.state === 'available' && group.contextType === 'Account' && group.contextId === account.id,
    );
    return write(
      c,
      page(c, found).map((group) => wire.group(group, caller)),
    );
  });
  const groupOf = (c: Context<Env>, caller: Caller): Group => {
    const group = lookUp(model.groups, c.req.param('group_id') ?? '', 'sis_group_id', caller);
    if (group.state === 'deleted') throw notFound();
    if (!caller.isRootAdmin) throw denied();
    return group;
  };
  app.get('/groups/:group_id', (c) => {
    const caller = enter(c, '/groups/:group_id');
    return write(c, wire.group(groupOf(c, caller), caller));
  });
  app.put('/groups/:group_id', async (c) => {
    const caller = enter(c, '/groups/:group_id');
    const group = groupOf(c, caller);
    const form = new URLSearchParams(await c.req.text());
    claim(model.groups, group, form.get('sis_group_id') ?? undefined, 'sis_source_id');
    change(group, Object.fromEntries(form), { name: 'name' });
    onChange();
    return write(c, wire.group(group, caller));
  });
  app.get('/groups/:group_id/users', (c) => {
    const caller = enter(c, '/groups/:group_id/users');
    const group = groupOf(c, caller);
    const members = [...model.memberships.values()].filter(
      (one) => one.groupId === group.id && one.state === 'accepted',
    );
    const includes = includesOf(c, caller);
    return write(
      c,
      page(c, usersOf(members.map(({ userId }) => userId))).map((user) => wire.user(user, caller, includes)),
    );
  });
}
