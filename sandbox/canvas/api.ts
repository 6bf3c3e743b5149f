/** `/api/v1`: accounts, terms, courses, sections and users as Canvas answers them. Source: Canvas LMS API documentation. */

import type { Context, Hono } from 'hono';
import type { Env } from '../lib/server.ts';
import type { ApiOptions, Caller } from './gate.ts';
import { createGate, Denied, errors, lookUp, notFound, parseId } from './gate.ts';
import type { Account, Course, Term } from './model.ts';
import { accountsBelow, sectionsOf } from './model.ts';
import { addPeopleRoutes } from './people-api.ts';
import { addSisRoutes } from './sis-api.ts';
import { createWire } from './wire.ts';

/** Scopes of the routes that this Canvas serves, in Canvas's spelling. */
export const servedScopes: readonly string[] = [
  'url:GET|/api/v1/accounts',
  'url:GET|/api/v1/accounts/:id',
  'url:PUT|/api/v1/accounts/:id',
  'url:GET|/api/v1/accounts/:account_id/sub_accounts',
  'url:GET|/api/v1/accounts/:account_id/courses',
  'url:GET|/api/v1/accounts/:account_id/terms',
  'url:GET|/api/v1/accounts/:account_id/terms/:id',
  'url:PUT|/api/v1/accounts/:account_id/terms/:id',
  'url:GET|/api/v1/accounts/:account_id/users',
  'url:GET|/api/v1/accounts/:account_id/groups',
  'url:PUT|/api/v1/accounts/:account_id/logins/:id',
  'url:POST|/api/v1/accounts/:account_id/sis_imports',
  'url:GET|/api/v1/accounts/:account_id/sis_imports',
  'url:GET|/api/v1/accounts/:account_id/sis_imports/importing',
  'url:GET|/api/v1/accounts/:account_id/sis_imports/:id',
  'url:PUT|/api/v1/accounts/:account_id/sis_imports/:id/abort',
  'url:PUT|/api/v1/accounts/:account_id/sis_imports/abort_all_pending',
  'url:GET|/api/v1/accounts/:account_id/sis_imports/:id/errors',
  'url:GET|/api/v1/accounts/:account_id/sis_import_errors',
  'url:GET|/api/v1/courses',
  'url:GET|/api/v1/courses/:id',
  'url:PUT|/api/v1/courses/:id',
  'url:DELETE|/api/v1/courses/:id',
  'url:GET|/api/v1/courses/:course_id/sections',
  'url:GET|/api/v1/courses/:course_id/users',
  'url:GET|/api/v1/courses/:course_id/enrollments',
  'url:GET|/api/v1/sections/:id',
  'url:PUT|/api/v1/sections/:id',
  'url:GET|/api/v1/sections/:section_id/enrollments',
  'url:GET|/api/v1/users/:id',
  'url:GET|/api/v1/users/:user_id/logins',
  'url:GET|/api/v1/users/:user_id/enrollments',
  'url:GET|/api/v1/groups/:group_id',
  'url:PUT|/api/v1/groups/:group_id',
  'url:GET|/api/v1/groups/:group_id/users',
];

/** The API of one Canvas. */
export function apiRoutes(options: ApiOptions): Hono<Env> {
  const { model } = options;
  const gate = createGate(options);
  const { app, enter, denied, includesOf, administered, mayRead, write, page } = gate;
  const wire = createWire(model);
  const termsOf = (c: Context<Env>): Term[] => {
    const states = c.req.queries('workflow_state[]') ?? ['active'];
    return [...model.terms.values()].filter(({ state }) => states.includes('all') || states.includes(state));
  };

  app.get('/accounts', (c) => {
    const caller = enter(c, '/accounts');
    // Only accounts where the user was made administrator, not everything below them.
    const own = caller.user.adminOf.map((id) => model.accounts.get(id)).filter((account) => account !== undefined);
    const tops = own.filter(({ parentId }) => parentId === null || !caller.user.adminOf.includes(parentId));
    return write(
      c,
      page(c, tops).map((account) => wire.account(account, caller)),
    );
  });
  app.get('/accounts/:id', (c) => {
    const caller = enter(c, '/accounts/:id');
    return write(c, wire.account(administered(c, caller, 'id'), caller));
  });
  app.get('/accounts/:account_id/sub_accounts', (c) => {
    const caller = enter(c, '/accounts/:account_id/sub_accounts');
    const account = administered(c, caller, 'account_id');
    const below = accountsBelow(model, account.id);
    const isRecursive = ['1', 'true'].includes(c.req.query('recursive') ?? '');
    const found = [...model.accounts.values()].filter(
      ({ id, parentId, state }) =>
        state === 'active' && id !== account.id && (isRecursive ? below.has(id) : parentId === account.id),
    );
    return write(
      c,
      page(c, found).map((entry) => wire.account(entry, caller)),
    );
  });
  app.get('/accounts/:account_id/courses', (c) => {
    const caller = enter(c, '/accounts/:account_id/courses');
    const account = administered(c, caller, 'account_id');
    return write(
      c,
      page(c, selectCourses(c, caller, account)).map((course) => wire.course(course, caller, includesOf(c, caller))),
    );
  });
  app.get('/accounts/:account_id/terms', (c) => {
    const caller = enter(c, '/accounts/:account_id/terms');
    const account = administered(c, caller, 'account_id');
    if (account.id !== model.rootId) throw notFound();
    return write(c, { enrollment_terms: page(c, termsOf(c)).map((term) => wire.term(term, caller)) });
  });
  app.get('/accounts/:account_id/terms/:id', (c) => {
    const caller = enter(c, '/accounts/:account_id/terms/:id');
    if (administered(c, caller, 'account_id').id !== model.rootId) throw notFound();
    return write(c, wire.term(lookUp(model.terms, c.req.param('id'), 'sis_term_id', caller), caller));
  });
  app.get('/accounts/:account_id/users', (c) => {
    const caller = enter(c, '/accounts/:account_id/users');
    const account = administered(c, caller, 'account_id');
    if (account.id !== model.rootId) throw notFound();
    const term = (c.req.query('search_term') ?? '').toLowerCase();
    const found = [...model.users.values()].filter(
      (user) =>
        user.state !== 'deleted' &&
        [user.name, user.login, user.sisId ?? '', user.email ?? ''].some((text) => text.toLowerCase().includes(term)),
    );
    const includes = includesOf(c, caller);
    return write(
      c,
      page(c, found).map((user) => wire.user(user, caller, includes)),
    );
  });
  app.get('/courses', (c) => {
    const caller = enter(c, '/courses');
    const ids = new Set(
      [...model.enrollments.values()]
        .filter(({ userId, state }) => userId === caller.user.id && state === 'active')
        .map(({ courseId }) => courseId),
    );
    const own = [...model.courses.values()].filter(({ id, state }) => ids.has(id) && state !== 'deleted');
    return write(
      c,
      page(c, own).map((course) => wire.course(course, caller, includesOf(c, caller))),
    );
  });
  app.get('/courses/:id', (c) => {
    const caller = enter(c, '/courses/:id');
    const course = lookUp(model.courses, c.req.param('id'), 'sis_course_id', caller);
    if (course.state === 'deleted') throw notFound();
    if (!mayRead(caller, course)) throw denied();
    return write(c, wire.course(course, caller, includesOf(c, caller)));
  });
  app.get('/courses/:course_id/sections', (c) => {
    const caller = enter(c, '/courses/:course_id/sections');
    const course = lookUp(model.courses, c.req.param('course_id'), 'sis_course_id', caller);
    if (!mayRead(caller, course)) throw denied();
    return write(
      c,
      page(c, sectionsOf(model, course.id)).map((section) => wire.section(section, caller)),
    );
  });
  app.get('/sections/:id', (c) => {
    const caller = enter(c, '/sections/:id');
    const section = lookUp(model.sections, c.req.param('id'), 'sis_section_id', caller);
    const course = model.courses.get(section.courseId);
    if (course === undefined || !mayRead(caller, course)) throw denied();
    return write(c, wire.section(section, caller));
  });
  app.get('/users/:id', (c) => {
    const caller = enter(c, '/users/:id');
    const text = c.req.param('id');
    const { prefix, value } = parseId(text);
    if (text === 'self')
      return write(c, {
        ...wire.user(caller.user, caller),
        permissions: { can_update_name: true, can_update_avatar: false },
      });
    const user =
      prefix === 'sis_login_id'
        ? [...model.users.values()].find(({ login }) => login === value)
        : lookUp(model.users, text, 'sis_user_id', caller);
    if (user === undefined) throw notFound();
    if (!caller.isRootAdmin && user.id !== caller.user.id) throw denied();
    return write(c, wire.user(user, caller));
  });

  const selectCourses = (c: Context<Env>, caller: Caller, account: Account): readonly Course[] => {
    const term = c.req.query('enrollment_term_id');
    const termId = term === undefined ? undefined : lookUp(model.terms, term, 'sis_term_id', caller).id;
    const search = c.req.query('search_term');
    if (search !== undefined && search.length < 3 && !/^\d+$/.test(search))
      throw new Denied(400, errors('search_term of 3 or more characters is required'));
    const states = c.req.queries('state[]') ?? [];
    const published = c.req.query('published');
    const within = accountsBelow(model, account.id);
    const isShown = (course: Course): boolean => {
      if (states.includes('all')) return true;
      if (states.length === 0) return course.state !== 'deleted';
      return (
        states.includes(course.state === 'unpublished' ? 'claimed' : course.state) ||
        (course.state === 'unpublished' && states.includes('created'))
      );
    };
    const found = [...model.courses.values()].filter(
      (course) =>
        within.has(course.accountId) &&
        isShown(course) &&
        (termId === undefined || course.termId === termId) &&
        (published === undefined || (published === 'true') === (course.state === 'available')) &&
        (search === undefined ||
          [course.name, course.code, course.sisId ?? ''].some((text) =>
            text.toLowerCase().includes(search.toLowerCase()),
          )),
    );
    const sort = c.req.query('sort');
    const keyed = (course: Course): string =>
      sort === 'sis_course_id' ? (course.sisId ?? '') : sort === 'course_name' ? course.name : '';
    if (sort === 'sis_course_id' || sort === 'course_name')
      found.sort((a, b) => (keyed(a) < keyed(b) ? -1 : keyed(a) > keyed(b) ? 1 : 0));
    return c.req.query('order') === 'desc' ? found.reverse() : found;
  };

  addPeopleRoutes(options, gate, wire);
  addSisRoutes(options, gate, wire);
  app.all('*', (c) => write(c, errors('The specified resource does not exist.'), 404));
  return app;
}
