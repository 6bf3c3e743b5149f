import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, post, textAt } from '../testing/http.ts';
import { functions } from './functions.ts';
import { parsePhp } from './php.ts';
import type { RunningMoodle } from './server.ts';
import { startMoodle } from './server.ts';
import { defaultSettings } from './settings.ts';

let moodle: RunningMoodle;
beforeAll(async () => {
  moodle = await startMoodle();
});
afterAll(() => moodle.close());
beforeEach(() => {
  moodle.faults.clear();
  moodle.log.clear();
  Object.assign(moodle.settings, defaultSettings);
});

const server = (): string => `${moodle.url}/webservice/rest/server.php`;
const call = (
  wsfunction: string,
  fields: Record<string, string> = {},
  wstoken = moodle.demoToken,
): ReturnType<typeof post> => post(server(), { wstoken, wsfunction, moodlewsrestformat: 'json', ...fields });
const list = (body: unknown): Record<string, unknown>[] => z.array(z.record(z.string(), z.unknown())).parse(body);
const tokenOf = (login: string): string => {
  const user = [...moodle.model.users.values()].find(({ username }) => username === login);
  return moodle.services.issue(1, user?.id ?? 0).token;
};

test('PHP reads nested names, and drops what is past max_input_vars', () => {
  const params = parsePhp('a[0][b]=1&a[0][c]=2&a[1][b]=3&l[]=x&l[]=y&last=z', 5);
  expect(params).toEqual(
    new Map<string, unknown>([
      [
        'a',
        new Map([
          [
            '0',
            new Map([
              ['b', '1'],
              ['c', '2'],
            ]),
          ],
          ['1', new Map([['b', '3']])],
        ]),
      ],
      [
        'l',
        new Map([
          ['0', 'x'],
          ['1', 'y'],
        ]),
      ],
    ]),
  );
});

describe('REST server', () => {
  test('site info names the functions of the token', async () => {
    const reply = await call('core_webservice_get_site_info');
    const names = list(z.object({ functions: z.unknown() }).parse(reply.body).functions).map(({ name }) => name);
    expect(names).toEqual([...functions.keys()]);
    expect(reply.body).toMatchObject({
      siteurl: moodle.url,
      username: 'moodle-service',
      release: expect.stringContaining('4.5.6'),
    });
  });

  test('XML is the default format, for errors too', async () => {
    const reply = await post(server(), { wstoken: moodle.demoToken, wsfunction: 'core_course_get_categories' });
    expect(reply.headers.get('content-type')).toContain('xml');
    expect(reply.text).toContain('<KEY name="id"><VALUE>1</VALUE>');
    const error = await post(server(), { wstoken: 'no' });
    expect([error.status, error.text]).toEqual([200, expect.stringContaining('<ERRORCODE>invalidtoken</ERRORCODE>')]);
  });

  test('a JSON body is ignored without a word', async () => {
    const query = new URLSearchParams({
      wstoken: moodle.demoToken,
      wsfunction: 'core_course_get_courses',
      moodlewsrestformat: 'json',
    });
    const reply = await ask(`${server()}?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ options: { ids: [2] } }),
    });
    expect(list(reply.body).length).toBe(moodle.model.courses.size);
    expect(list((await call('core_course_get_courses', { 'options[ids][0]': '2' })).body)).toHaveLength(1);
  });

  test('max_input_vars drops the tail with 200', async () => {
    moodle.settings.maxInputVars = 6;
    const fields = Object.fromEntries([2, 3, 4, 5, 6].map((id, n) => [`options[ids][${n}]`, String(id)]));
    const reply = await call('core_course_get_courses', fields);
    expect([reply.status, list(reply.body).length]).toEqual([200, 3]);
  });

  test('courses: site course, empty idnumbers, ampersands escaped unless raw', async () => {
    const courses = list((await call('core_course_get_courses')).body);
    expect(courses[0]).toMatchObject({ id: 1, format: 'site' });
    expect(courses.every((course) => 'idnumber' in course)).toBe(true);
    expect(courses.some(({ idnumber }) => idnumber === '')).toBe(true);
    expect(courses.some(({ idnumber }) => idnumber !== '')).toBe(true);
    const categories = list((await call('core_course_get_categories')).body);
    expect(categories.some(({ name }) => String(name).includes('&amp;'))).toBe(true);
    const raw = list((await call('core_course_get_categories', { moodlewssettingraw: '1' })).body);
    expect(raw.some(({ name }) => String(name).includes('& '))).toBe(true);
  });

  test('courses by field, search with paging, categories by criteria, people of a course', async () => {
    const linked = [...moodle.model.courses.values()].find(({ idnumber }) => idnumber !== '');
    const byId = await call('core_course_get_courses_by_field', { field: 'idnumber', value: linked?.idnumber ?? '' });
    expect(byId.body).toMatchObject({
      courses: [{ id: linked?.id, idnumber: linked?.idnumber, enrollmentmethods: ['manual'] }],
      warnings: [],
    });
    const page = await call('core_course_search_courses', {
      criterianame: 'search',
      criteriavalue: 'mathematics',
      page: '1',
      perpage: '3',
    });
    expect(z.object({ total: z.number(), courses: z.array(z.unknown()) }).parse(page.body).courses).toHaveLength(3);
    expect(
      list(
        (await call('core_course_get_categories', { 'criteria[0][key]': 'parent', 'criteria[0][value]': '1' })).body,
      ),
    ).toHaveLength(1);
    const all = list((await call('core_enrol_get_enrolled_users', { courseid: String(linked?.id) })).body);
    const some = list(
      (
        await call('core_enrol_get_enrolled_users', {
          courseid: String(linked?.id),
          'options[0][name]': 'limitnumber',
          'options[0][value]': '2',
        })
      ).body,
    );
    expect([all.length > 2, some.length]).toEqual([true, 2]);
    const username = String(all[0]?.username);
    expect(
      list((await call('core_user_get_users_by_field', { field: 'username', 'values[0]': username })).body),
    ).toHaveLength(1);
  });

  test('errors are HTTP 200 with exception, errorcode and message', async () => {
    const codeOf = async (reply: Promise<{ status: number; body: unknown }>): Promise<unknown[]> => {
      const { status, body } = await reply;
      return [status, textAt(body, 'errorcode')];
    };
    expect(await codeOf(call('core_course_get_courses', {}, 'nope'))).toEqual([200, 'invalidtoken']);
    expect(await codeOf(call('core_nothing'))).toEqual([200, 'invalidrecord']);
    expect(await codeOf(call('core_course_get_courses', { nonsense: '1' }))).toEqual([200, 'invalidparameter']);
    expect(await codeOf(call('core_course_get_courses', {}, tokenOf('moodle-guest')))).toEqual([
      200,
      'accessexception',
    ]);
    expect(await codeOf(call('core_course_get_courses', {}, tokenOf('moodle-teacher')))).toEqual([
      200,
      'errorcoursecontextnotvalid',
    ]);
    expect(
      await codeOf(call('core_user_get_users_by_field', { field: 'id', 'values[0]': '2' }, tokenOf('moodle-teacher'))),
    ).toEqual([200, 'nopermissions']);
    expect((await call('core_course_get_courses', { nonsense: '1' })).body).not.toHaveProperty('debuginfo');
    moodle.settings.debugging = true;
    expect((await call('core_course_get_courses', { nonsense: '1' })).body).toHaveProperty('debuginfo');
    moodle.settings.restEnabled = false;
    expect((await call('core_course_get_courses')).status).toBe(403);
    moodle.settings.maintenance = true;
    expect((await call('core_course_get_courses')).status).toBe(503);
  });

  test('the log names the function and the rows, not the token', async () => {
    await call('core_course_get_categories');
    const reply = await ask(`${moodle.url}/_sandbox/requests`);
    expect(reply.body).toMatchObject({
      requests: [
        { operation: 'core_course_get_categories', client: 'moodle-service', rows: moodle.model.categories.size },
      ],
    });
    expect(reply.text).not.toContain(moodle.demoToken);
  });
});

test('token.php has its own error shape, and gives the same token again', async () => {
  const token = (fields: Record<string, string>): ReturnType<typeof post> =>
    post(`${moodle.url}/login/token.php`, fields);
  const good = { username: 'moodle-service', password: moodle.logins.password, service: 'crosswalk' };
  expect((await token(good)).body).toEqual({ token: moodle.demoToken, privatetoken: null });
  expect((await token({ ...good, password: 'x' })).body).toMatchObject({
    errorcode: 'invalidlogin',
    error: expect.any(String),
    stacktrace: null,
  });
  expect((await token({ ...good, service: 'x' })).body).toMatchObject({ errorcode: 'servicenotavailable' });
  expect((await token({ ...good, username: 'moodle-guest' })).body).toMatchObject({ errorcode: 'cannotcreatetoken' });
  expect((await ask(`${moodle.url}/login/token.php?appsitecheck=1`)).body).toEqual({ appsitecheck: 'ok' });
});

describe("administrator's pages", () => {
  async function signedIn(): Promise<Record<string, string>> {
    const reply = await post(`${moodle.url}/login/index.php`, {
      username: moodle.logins.admin,
      password: moodle.logins.password,
    });
    expect(reply.status).toBe(303);
    return { cookie: (reply.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  }

  test('make a service and a token, change the functions, delete both', async () => {
    expect((await ask(`${moodle.url}/admin/webservices`)).text).toContain('Log in to the site');
    const headers = await signedIn();
    expect(
      (await post(`${moodle.url}/admin/services`, { name: 'S', shortname: 's', functions: 'core_nothing' }, headers))
        .status,
    ).toBe(400);
    await post(
      `${moodle.url}/admin/services`,
      { name: 'Mine', shortname: 'mine', functions: 'core_webservice_get_site_info\ncore_course_get_courses' },
      headers,
    );
    const service = moodle.services.byShortname('mine');
    expect(service?.functions).toHaveLength(2);
    const page = await post(
      `${moodle.url}/admin/tokens`,
      { user: 'moodle-service', service: String(service?.id), until: '' },
      headers,
    );
    const token = /id="new-token">([0-9a-f]{32})</.exec(page.text)?.[1] ?? '';
    expect((await call('core_course_get_courses', {}, token)).body).not.toHaveProperty('errorcode');
    await post(
      `${moodle.url}/admin/services/${service?.id}`,
      { functions: 'core_webservice_get_site_info', enabled: '1' },
      headers,
    );
    expect((await call('core_course_get_courses', {}, token)).body).toMatchObject({ errorcode: 'accessexception' });
    const dated = await post(
      `${moodle.url}/admin/tokens`,
      { user: 'moodle-service', service: String(service?.id), until: '2020-01-01' },
      headers,
    );
    const old = /id="new-token">([0-9a-f]{32})</.exec(dated.text)?.[1] ?? '';
    expect((await call('core_webservice_get_site_info', {}, old)).body).toMatchObject({ errorcode: 'invalidtoken' });
    await post(`${moodle.url}/admin/services/${service?.id}/delete`, {}, headers);
    expect((await call('core_webservice_get_site_info', {}, token)).body).toMatchObject({ errorcode: 'invalidtoken' });
  });

  test('settings, log and faults', async () => {
    const headers = await signedIn();
    await post(`${moodle.url}/admin/settings`, { rest: '1', debug: '1', vars: '77' }, headers);
    expect(moodle.settings).toEqual({ ...defaultSettings, debugging: true, maxInputVars: 77, manualEnrolment: false });
    for (const path of ['/admin/settings', '/admin/log', '/admin/faults', '/admin/cohorts', '/admin/mail'])
      expect((await ask(`${moodle.url}${path}`, { headers })).status).toBe(200);
    await post(`${moodle.url}/admin/faults`, { kind: 'expired-token', times: '1' }, headers);
    expect((await call('core_course_get_courses')).body).toMatchObject({ errorcode: 'invalidtoken' });
    expect(list((await call('core_course_get_courses')).body).length).toBeGreaterThan(1);
  });
});

test('a restart keeps services and tokens', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'moodle-'));
  const first = await startMoodle({ dataDir, school: 'waterkant' });
  const made = await ask(`${first.url}/_sandbox/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ service: 'crosswalk', username: 'moodle-admin' }),
  });
  await first.close();
  const second = await startMoodle({ dataDir, school: 'waterkant' });
  expect(second.services.tokenOf(textAt(made.body, 'token'))).toBeDefined();
  expect(second.services.tokens()).toHaveLength(2);
  await second.close();
  rmSync(dataDir, { recursive: true });
});
