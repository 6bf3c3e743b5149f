import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, post, textAt } from '../testing/http.ts';
import { welcomePreference } from './mail.ts';
import type { RunningMoodle } from './server.ts';
import { startMoodle } from './server.ts';

/** What is expected here is what a real Moodle 4.5.6 answered to the same calls. */

type Nested = string | number | readonly Nested[] | { readonly [key: string]: Nested };

/** PHP's names for what is nested: `users[0][email]`. */
function flat(value: Nested, name = ''): [string, string][] {
  if (typeof value !== 'object') return [[name, String(value)]];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => flat(inner, name === '' ? String(key) : `${name}[${key}]`));
}

const rows = (value: unknown) => z.array(z.record(z.string(), z.unknown())).parse(value);
const strong = 'Aa1!-correct-horse';

describe('writing to Moodle', () => {
  let moodle: RunningMoodle;
  beforeEach(async () => {
    moodle = await startMoodle({ school: 'waterkant' });
    return () => moodle.close();
  });
  const call = async (wsfunction: string, parameters: Nested = {}): Promise<unknown> => {
    const fields = new URLSearchParams([
      ['wstoken', moodle.demoToken],
      ['moodlewsrestformat', 'json'],
      ['wsfunction', wsfunction],
      ...flat(parameters),
    ]);
    const reply = await post(`${moodle.url}/webservice/rest/server.php`, fields);
    expect(reply.status).toBe(200);
    return reply.body;
  };
  const refused = (errorcode: string) => expect.objectContaining({ exception: expect.any(String), errorcode });
  const user = (username: string, more: Record<string, Nested> = {}) => ({
    username,
    firstname: 'Ada',
    lastname: 'Wolf',
    email: `${username}@school.test`,
    password: strong,
    ...more,
  });
  const made = async (username: string, more: Record<string, Nested> = {}): Promise<number> =>
    Number(textAt(await call('core_user_create_users', { users: [user(username, more)] }), 0, 'id'));
  const madeCourse = async (shortname: string): Promise<number> =>
    Number(
      textAt(
        await call('core_course_create_courses', {
          courses: [{ fullname: shortname, shortname, categoryid: 1, idnumber: shortname, startdate: 0, enddate: 0 }],
        }),
        0,
        'id',
      ),
    );

  test('users are made all or none, and say in no word which one was refused', async () => {
    const before = moodle.model.users.size;
    await made('taken');
    for (const bad of [
      user('taken', { email: 'other@school.test' }),
      user('b', { email: 'TAKEN@school.test' }),
      user('Upper'),
      user('c', { firstname: 'a <b> c' }),
      user('d', { auth: 'saml2' }),
      user('e', { email: 'no address' }),
    ])
      expect(await call('core_user_create_users', { users: [user('good'), bad] })).toHaveProperty('errorcode');
    expect(
      textAt(await call('core_user_create_users', { users: [user('f', { password: 'weak' })] }), 'errorcode'),
    ).toContain('<div>');
    expect(moodle.model.users.size).toBe(before + 1);
    // An id number may be had twice, and `a < b` is no tag.
    expect(
      rows(
        await call('core_user_create_users', {
          users: [user('g', { idnumber: 'x', firstname: 'a < b' }), user('h', { idnumber: 'x' })],
        }),
      ),
    ).toHaveLength(2);
  });

  test('users are updated one by one, each refusal a warning', async () => {
    const [a, b] = [await made('a'), await made('b')];
    const reply = await call('core_user_update_users', {
      users: [
        { id: a, email: 'b@school.test' },
        { id: b, firstname: 'Bea', suspended: 1 },
        { id: 2, firstname: 'x' },
        { id: 999_999, firstname: 'x' },
      ],
    });
    expect(
      rows(z.object({ warnings: z.unknown() }).parse(reply).warnings).map(({ warningcode }) => warningcode),
    ).toEqual(['useremailduplicate', 'usernotupdatedadmin', 'invaliduserid']);
    expect(moodle.model.users.get(b)).toMatchObject({ firstname: 'Bea', suspended: true });
    expect(await call('core_user_update_users', { users: [{ id: b, suspended: 'true' }] })).toEqual(
      refused('invalidparameter'),
    );
  });

  test('a deleted user comes back by id alone, mangled, and can be given nothing', async () => {
    const [id, course] = [await made('a', { idnumber: 'A1' }), await madeCourse('bio')];
    const page = await post(`${moodle.url}/login/index.php`, {
      username: moodle.logins.admin,
      password: moodle.logins.password,
    });
    const headers = { cookie: (page.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
    await post(`${moodle.url}/admin/users/${id}/delete`, {}, headers);
    const found = await call('core_user_get_users_by_field', { field: 'id', values: [id] });
    expect(found).toEqual([
      expect.objectContaining({ id, email: expect.stringMatching(/^[0-9a-f]{32}$/), suspended: false }),
    ]);
    expect(await call('core_user_get_users_by_field', { field: 'idnumber', values: ['A1'] })).toEqual([]);
    expect(
      await call('enrol_manual_enrol_users', { enrolments: [{ roleid: 5, userid: id, courseid: course }] }),
    ).toEqual(refused('userdeleted'));
  });

  test('courses: unique short names and ids, dates, and an error of PHP for an id that no course has', async () => {
    const id = await madeCourse('bio');
    const course = { fullname: 'B', shortname: 'b', categoryid: 1 };
    const codes = [];
    for (const bad of [
      { ...course, idnumber: 'bio' },
      { ...course, shortname: 'bio' },
      { ...course, categoryid: 99 },
      { ...course, startdate: 200, enddate: 100 },
      { ...course, fullname: 'a<b' },
    ])
      codes.push(textAt(await call('core_course_create_courses', { courses: [bad] }), 'errorcode'));
    expect(codes).toEqual([
      'courseidnumbertaken',
      'shortnametaken',
      'errorcatcontextnotvalid',
      'enddatebeforestartdate',
      'invalidparameter',
    ]);
    expect(await call('core_course_get_courses_by_field', { field: 'ids', value: `${id},999999` })).toEqual({
      exception: 'Error',
      message: expect.any(String),
    });
    expect(rows(await call('core_course_get_courses', { options: { ids: [id, 999_999] } }))).toHaveLength(1);
    // The start that stands there is not looked at.
    expect(
      await call('core_course_update_courses', {
        courses: [
          { id, enddate: 100 },
          { id, fullname: 'Bios', visible: 0 },
        ],
      }),
    ).toMatchObject({
      warnings: [{ item: 'course', itemid: id, warningcode: 'nostartdatenoenddate' }],
    });
    expect(moodle.model.courses.get(id)).toMatchObject({ fullname: 'Bios', visible: false });
  });

  test('groups are unique in their course, cohorts only when they are made', async () => {
    const course = await madeCourse('bio');
    const group = { courseid: course, name: 'A', description: '', idnumber: 'A' };
    const id = Number(textAt(await call('core_group_create_groups', { groups: [group] }), 0, 'id'));
    expect(await call('core_group_create_groups', { groups: [{ ...group, idnumber: 'B' }] })).toEqual(
      refused('invalidparameter'),
    );
    expect(await call('core_group_create_groups', { groups: [{ ...group, name: 'B' }] })).toEqual(
      refused('idnumbertaken'),
    );
    const ada = await made('a');
    const members = [{ groupid: id, userid: ada }];
    expect(await call('core_group_add_group_members', { members })).toEqual(refused('invalidparameter'));
    await call('enrol_manual_enrol_users', { enrolments: [{ roleid: 5, userid: ada, courseid: course }] });
    expect(await call('core_group_add_group_members', { members: [...members, ...members] })).toBeNull();
    expect(await call('core_group_get_group_members', { groupids: [id] })).toEqual([{ groupid: id, userids: [ada] }]);

    const cohort = (idnumber: string) => ({ categorytype: { type: 'system', value: '' }, name: 'H & 1', idnumber });
    const both = rows(await call('core_cohort_create_cohorts', { cohorts: [cohort('x'), cohort('y')] }));
    expect(await call('core_cohort_create_cohorts', { cohorts: [cohort('x')] })).toEqual(refused('invalidparameter'));
    expect(
      await call('core_cohort_update_cohorts', { cohorts: [{ ...cohort('x'), id: Number(both[1]?.id) }] }),
    ).toBeNull();
    const member = (cohortId: number, userId: number) => ({
      cohorttype: { type: 'id', value: cohortId },
      usertype: { type: 'id', value: userId },
    });
    const reply = await call('core_cohort_add_cohort_members', {
      members: [
        member(Number(both[0]?.id), ada),
        member(Number(both[0]?.id), ada),
        member(Number(both[0]?.id), 999_999),
      ],
    });
    expect(reply).toMatchObject({ warnings: [{ warningcode: '3' }, { warningcode: '2' }] });
  });

  test('enrolments: repeated, suspended, of a role that may not be given, ended twice', async () => {
    const [course, ada] = [await madeCourse('bio'), await made('a')];
    const enrol = (more: Record<string, Nested> = {}) =>
      call('enrol_manual_enrol_users', { enrolments: [{ roleid: 5, userid: ada, courseid: course, ...more }] });
    expect(await enrol()).toBeNull();
    expect(await enrol({ roleid: 3 })).toBeNull();
    expect(await enrol({ suspend: 1 })).toBeNull();
    expect(await enrol({ roleid: 1 })).toEqual(refused('wsusercannotassign'));
    const within = (options: readonly Nested[]) => call('core_enrol_get_enrolled_users', { courseid: course, options });
    expect(await within([{ name: 'userfields', value: 'id,roles,groups' }])).toEqual([
      {
        id: ada,
        fullname: 'Ada Wolf',
        roles: [expect.objectContaining({ roleid: 5 }), expect.objectContaining({ roleid: 3 })],
      },
    ]);
    expect(await within([{ name: 'onlyactive', value: '1' }])).toEqual([]);
    for (const _time of [1, 2])
      expect(await call('enrol_manual_unenrol_users', { enrolments: [{ userid: ada, courseid: course }] })).toBeNull();
    expect(await within([])).toEqual([]);
  });

  test('what a real Moodle would mail: passwords that it makes, and a welcome at every call that enrols', async () => {
    const course = await madeCourse('bio');
    const [teacher, ada, quiet] = [
      await made('t'),
      await made('a'),
      await made('q', { preferences: [{ type: welcomePreference, value: 'none' }] }),
    ];
    const enrol = (userid: number, roleid = 5, suspend = 0) =>
      call('enrol_manual_enrol_users', { enrolments: [{ roleid, userid, courseid: course, suspend }] });
    // Nobody is there yet to welcome the first teacher.
    await enrol(teacher, 3);
    expect(moodle.model.mails).toEqual([]);
    await enrol(ada);
    await enrol(ada);
    await enrol(ada, 5, 1);
    await enrol(quiet);
    expect(moodle.model.mails.map(({ to, kind }) => [to, kind])).toEqual(
      Array(3).fill(['a@school.test', 'course-welcome']),
    );
    const saved = await call('core_user_set_user_preferences', {
      preferences: [
        { name: welcomePreference, value: 'none', userid: ada },
        { name: 'anything', value: '1', userid: ada },
      ],
    });
    expect(saved).toMatchObject({ saved: [{ userid: ada }], warnings: [{ itemid: ada, warningcode: 'nopermission' }] });
    await enrol(ada);
    expect(moodle.model.mails).toHaveLength(3);
    // Locked by the administrator over there: a choice of the person changes nothing.
    moodle.settings.forcesMail = true;
    await enrol(ada);
    expect(moodle.model.mails).toHaveLength(4);
    await call('core_user_create_users', {
      users: [
        { username: 'p', firstname: 'P', lastname: 'W', email: 'p@school.test', createpassword: 1 },
        { username: 'i', firstname: 'I', lastname: 'W', email: 'i@x.invalid', createpassword: 1 },
      ],
    });
    expect(moodle.model.mails.at(-1)).toMatchObject({ to: 'p@school.test', kind: 'new-password' });
    expect(moodle.model.mails).toHaveLength(5);
  });
});

test('what was written outlives a restart', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'moodle-'));
  const first = await startMoodle({ dataDir, school: 'waterkant' });
  await post(`${first.url}/webservice/rest/server.php`, {
    wstoken: first.demoToken,
    moodlewsrestformat: 'json',
    wsfunction: 'core_course_create_categories',
    'categories[0][name]': 'Kept & found',
    'categories[0][idnumber]': 'kept',
  });
  await first.close();
  const second = await startMoodle({ dataDir, school: 'waterkant' });
  expect([...second.model.categories.values()].at(-1)).toMatchObject({ name: 'Kept & found', idnumber: 'kept' });
  expect(second.model.users.size).toBe(first.model.users.size);
  expect((await ask(`${second.url}/_sandbox/health`)).status).toBe(200);
  await second.close();
  rmSync(dataDir, { recursive: true });
});
