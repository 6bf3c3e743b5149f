import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, linkOf, post, textAt } from '../testing/http.ts';
import { sisAdmin } from './admin.ts';
import { knownScopes } from './oauth.ts';
import type { RunningSis, SisSchool } from './server.ts';
import { startSis } from './server.ts';

const V2 = 'https://purl.imsglobal.org/spec/or/v1p2/scope/';
const V1 = 'https://purl.imsglobal.org/spec/or/v1p1/scope/';
const everything = knownScopes.map(({ uri }) => uri).join(' ');

const basic = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${btoa(`${id}:${secret}`)}`,
});

let sis: RunningSis;
let school: SisSchool;

beforeAll(async () => {
  sis = await startSis();
  school = sis.school('lindenhof');
});
afterAll(() => sis.close());
beforeEach(() => {
  sis.faults.clear();
  sis.log.clear();
});

async function tokenFor(scope: string, of: SisSchool = school): Promise<Record<string, string>> {
  const reply = await post(
    of.tokenUrl,
    { grant_type: 'client_credentials', scope },
    basic(of.client.clientId, of.client.clientSecret),
  );
  expect(reply.status).toBe(200);
  return { authorization: `Bearer ${textAt(reply.body, 'access_token')}` };
}

const rows = (body: unknown, key: string): Record<string, unknown>[] =>
  z.array(z.record(z.string(), z.unknown())).parse(z.record(z.string(), z.unknown()).parse(body)[key]);

async function get(path: string, headers?: Record<string, string>): ReturnType<typeof ask> {
  return ask(`${school.baseV1p2}${path}`, { headers: headers ?? (await tokenFor(everything)) });
}

describe('token endpoint', () => {
  test('answers RFC 6749 fields, the scope cut to what is approved', async () => {
    const { narrowClient } = school;
    const reply = await post(
      school.tokenUrl,
      { grant_type: 'client_credentials', scope: `${V2}roster-core.readonly ${V2}roster.readonly` },
      basic(narrowClient.clientId, narrowClient.clientSecret),
    );
    expect(reply.body).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: `${V2}roster-core.readonly` });
    expect(reply.headers.get('cache-control')).toBe('no-store');
  });

  test('takes credentials in the body as a leniency', async () => {
    const { clientId, clientSecret } = school.client;
    const reply = await post(school.tokenUrl, {
      grant_type: 'client_credentials',
      scope: `${V1}roster-core.readonly`,
      client_id: clientId,
      client_secret: clientSecret,
    });
    expect(reply.status).toBe(200);
  });

  test.each([
    ['a wrong secret', { grant_type: 'client_credentials', scope: 'x' }, 'wrong', 401, 'invalid_client'],
    ['another grant type', { grant_type: 'password', scope: 'x' }, undefined, 400, 'unsupported_grant_type'],
    ['no scope', { grant_type: 'client_credentials' }, undefined, 400, 'invalid_scope'],
    ['only unknown scopes', { grant_type: 'client_credentials', scope: 'openid' }, undefined, 400, 'invalid_scope'],
  ])('refuses %s', async (_what, fields, secret, status, error) => {
    const reply = await post(
      school.tokenUrl,
      fields,
      basic(school.client.clientId, secret ?? school.client.clientSecret),
    );
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ error });
  });

  test('refuses a JSON body', async () => {
    const reply = await ask(school.tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...basic('a', 'b') },
      body: '{}',
    });
    expect(reply.body).toMatchObject({ error: 'invalid_request' });
  });

  test('a client of one school is unknown to another', async () => {
    const other = sis.school('brackenfield');
    const reply = await post(
      other.tokenUrl,
      { grant_type: 'client_credentials', scope: everything },
      basic(school.client.clientId, school.client.clientSecret),
    );
    expect(reply.status).toBe(401);
    const stray = await ask(`${other.baseV1p2}/orgs`, { headers: await tokenFor(everything) });
    expect(stray.status).toBe(401);
  });

  test('a token ends after an hour', async () => {
    const token = await tokenFor(everything);
    sis.clock.advance(3_601_000);
    const reply = await get('/orgs', token);
    sis.clock.advance(-3_601_000);
    expect(reply.status).toBe(401);
    expect(reply.body).toMatchObject({
      imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: 'unauthorisedrequest' }] },
    });
  });
});

describe('collections', () => {
  test.each([
    ['/academicSessions', 'academicSessions'],
    ['/terms', 'academicSessions'],
    ['/gradingPeriods', 'academicSessions'],
    ['/orgs', 'orgs'],
    ['/schools', 'orgs'],
    ['/courses', 'courses'],
    ['/classes', 'classes'],
    ['/users', 'users'],
    ['/students', 'users'],
    ['/teachers', 'users'],
    ['/enrollments', 'enrollments'],
    ['/demographics', 'demographics'],
  ])('%s is paged to its end without doubles, in both versions', async (path, key) => {
    const headers = await tokenFor(everything);
    for (const base of [school.baseV1p2, school.baseV1p1]) {
      const seen = new Set<unknown>();
      let next: string | undefined = `${base}${path}?limit=700`;
      let total = -1;
      while (next !== undefined) {
        const reply: Awaited<ReturnType<typeof ask>> = await ask(next, { headers });
        expect(reply.status).toBe(200);
        total = Number(reply.headers.get('x-total-count'));
        for (const row of rows(reply.body, key)) {
          expect(row).toMatchObject({
            status: 'active',
            sourcedId: expect.any(String),
            dateLastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
          });
          seen.add(row.sourcedId);
        }
        next = linkOf(reply.headers, 'next');
      }
      expect(seen.size).toBe(total);
      expect(total).toBeGreaterThan(0);
    }
  });

  test('the default page has 100 records, and links carry every parameter', async () => {
    const reply = await get("/classes?filter=classType='scheduled'&offset=100&sort=title");
    expect(rows(reply.body, 'classes')).toHaveLength(100);
    const next = new URL(linkOf(reply.headers, 'next') ?? '');
    expect(next.searchParams.get('filter')).toBe("classType='scheduled'");
    expect(next.searchParams.get('sort')).toBe('title');
    expect(next.searchParams.get('offset')).toBe('200');
    expect(new URL(linkOf(reply.headers, 'prev') ?? '').searchParams.get('offset')).toBe('0');
    expect(linkOf(reply.headers, 'last')).toBeDefined();
  });

  test.each(['limit=0', 'limit=-1', 'limit=many', 'offset=-1'])('%s is refused', async (query) => {
    expect((await get(`/orgs?${query}`)).status).toBe(400);
  });

  test('an enormous limit and an offset past the end are answered', async () => {
    expect((await get('/orgs?limit=1000000000')).status).toBe(200);
    const reply = await get('/orgs?offset=1000');
    expect(rows(reply.body, 'orgs')).toHaveLength(0);
    expect(reply.headers.get('x-total-count')).toBe('5');
  });

  test('a single object has its own envelope; demographics keeps the plural', async () => {
    const [student] = rows((await get('/students?limit=1')).body, 'users');
    expect(textAt((await get(`/students/${student?.sourcedId}`)).body, 'user', 'sourcedId')).toBe(student?.sourcedId);
    expect(textAt((await get(`/demographics/${student?.sourcedId}`)).body, 'demographics', 'sourcedId')).toBe(
      student?.sourcedId,
    );
    expect((await get(`/teachers/${student?.sourcedId}`)).status).toBe(404);
  });

  test('references are absolute addresses of single objects that answer', async () => {
    const headers = await tokenFor(everything);
    const [one] = rows((await get('/classes?limit=1', headers)).body, 'classes');
    const href = textAt(one, 'course', 'href');
    expect((await ask(href, { headers })).status).toBe(200);
  });

  test('streams show in metadata and grades at Lindenhof, and only in course level and grade at Cedar Valley', async () => {
    const [homeroom] = rows((await get("/classes?filter=classType='homeroom' AND title='H4-NTa'")).body, 'classes');
    expect(homeroom).toMatchObject({
      grades: ['10'],
      metadata: { programme: 'havo', level: 'Nature & Tech', year: '4', streamName: 'havo 4 Nature & Tech' },
    });
    const cedar = sis.school('cedar-valley');
    const headers = await tokenFor(everything, cedar);
    const classes = rows((await ask(`${cedar.baseV1p2}/classes`, { headers })).body, 'classes');
    expect(classes.every((row) => row.metadata === undefined)).toBe(true);
    const honors = rows(
      (await ask(`${cedar.baseV1p2}/courses?filter=metadata.courseLevel='Honors'`, { headers })).body,
      'courses',
    );
    expect(honors.length).toBeGreaterThan(0);
  });

  test('users differ between the versions as the bindings do', async () => {
    const headers = await tokenFor(everything);
    const [v2] = rows((await ask(`${school.baseV1p2}/users?limit=1`, { headers })).body, 'users');
    const [v1] = rows((await ask(`${school.baseV1p1}/users?limit=1`, { headers })).body, 'users');
    expect(v2).toMatchObject({ roles: [{ roleType: 'primary', role: 'districtAdministrator' }], enabledUser: 'true' });
    expect(v2).not.toHaveProperty('role');
    expect(v1).toMatchObject({ role: 'administrator', orgs: [{ type: 'org' }] });
    expect(v1).not.toHaveProperty('roles');
  });
});

describe('nested collections', () => {
  test('every one of them answers and agrees with the enrolments', async () => {
    const headers = await tokenFor(everything);
    const [group] = rows((await get("/classes?filter=classType='scheduled'&limit=1", headers)).body, 'classes');
    const classId = textAt(group, 'sourcedId');
    const schoolId = textAt(group, 'school', 'sourcedId');
    const students = rows((await get(`/classes/${classId}/students`, headers)).body, 'users');
    const enrolled = rows(
      (await get(`/enrollments?filter=class.sourcedId='${classId}' AND role='student'`, headers)).body,
      'enrollments',
    );
    expect(students.length).toBe(enrolled.length);
    const studentId = textAt(students[0], 'sourcedId');
    const teacherId = textAt((await get(`/classes/${classId}/teachers`, headers)).body, 'users', 0, 'sourcedId');
    const paths: readonly [string, string][] = [
      [`/terms/${textAt(group, 'terms', 0, 'sourcedId')}/classes`, 'classes'],
      [`/terms/${textAt(group, 'terms', 0, 'sourcedId')}/gradingPeriods`, 'academicSessions'],
      [`/schools/${schoolId}/classes`, 'classes'],
      [`/schools/${schoolId}/courses`, 'courses'],
      [`/schools/${schoolId}/enrollments`, 'enrollments'],
      [`/schools/${schoolId}/students`, 'users'],
      [`/schools/${schoolId}/teachers`, 'users'],
      [`/schools/${schoolId}/terms`, 'academicSessions'],
      [`/schools/${schoolId}/classes/${classId}/enrollments`, 'enrollments'],
      [`/schools/${schoolId}/classes/${classId}/students`, 'users'],
      [`/schools/${schoolId}/classes/${classId}/teachers`, 'users'],
      [`/courses/${textAt(group, 'course', 'sourcedId')}/classes`, 'classes'],
      [`/users/${studentId}/classes`, 'classes'],
      [`/students/${studentId}/classes`, 'classes'],
      [`/teachers/${teacherId}/classes`, 'classes'],
    ];
    for (const [path, key] of paths) {
      const reply = await get(path, headers);
      expect([path, reply.status]).toEqual([path, 200]);
      expect([path, rows(reply.body, key).length]).not.toEqual([path, 0]);
    }
    expect((await get('/classes/none/students', headers)).status).toBe(404);
    expect((await get(`/classes/${classId}/enrollments`, headers)).status).toBe(404);
  });
});

describe('scopes', () => {
  test('core reads collections, not nested ones, not demographics', async () => {
    const headers = await tokenFor(`${V2}roster-core.readonly`);
    expect((await get('/classes', headers)).status).toBe(200);
    const nested = await get('/schools/x/classes', headers);
    expect(nested.status).toBe(403);
    expect(nested.body).toMatchObject({
      imsx_codeMajor: 'failure',
      imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: 'forbidden' }] },
    });
    expect((await get('/demographics', headers)).status).toBe(403);
  });

  test('a token of 1.2 opens nothing in 1.1', async () => {
    const reply = await ask(`${school.baseV1p1}/orgs`, { headers: await tokenFor(`${V2}roster.readonly`) });
    expect(reply.status).toBe(403);
    expect(reply.body).toMatchObject({ statusInfoSet: [{ imsx_codeMinor: 'forbidden' }] });
  });

  test('taking an approval back ends it for tokens that are out', async () => {
    const made = sis.createClient('waterkant', { name: 'Test', scopes: [`${V2}roster-core.readonly`] });
    const waterkant = sis.school('waterkant');
    const headers = await tokenFor(`${V2}roster-core.readonly`, { ...waterkant, client: made });
    expect((await ask(`${waterkant.baseV1p2}/orgs`, { headers })).status).toBe(200);
    sis.approveScopes('waterkant', made.clientId, []);
    expect((await ask(`${waterkant.baseV1p2}/orgs`, { headers })).status).toBe(403);
    sis.deleteClient('waterkant', made.clientId);
    expect((await ask(`${waterkant.baseV1p2}/orgs`, { headers })).status).toBe(401);
  });
});

describe('filter, sort, fields', () => {
  const count = async (path: string): Promise<number> => Number((await get(path)).headers.get('x-total-count'));

  test('predicates and both joins', async () => {
    const homerooms = await count("/classes?filter=classType='homeroom'");
    const scheduled = await count("/classes?filter=classType!='homeroom'");
    const all = await count('/classes');
    expect(homerooms + scheduled).toBe(all);
    expect(await count("/classes?filter=classType='homeroom' OR classType='scheduled'")).toBe(all);
    expect(await count("/classes?filter=classType='homeroom' AND classType='scheduled'")).toBe(0);
    expect(await count("/classes?filter=title~'MATHEMATICS'")).toBeGreaterThan(0);
    expect(await count("/users?filter=familyName~'o''neill'")).toBe(1);
    expect(await count("/users?filter=roles.role='teacher'")).toBe(await count('/teachers'));
    expect(await count("/orgs?filter=identifier>='99LH01'")).toBe(2);
  });

  test('a list equals as a whole and contains by element', async () => {
    expect(await count("/classes?filter=grades='10'")).toBeGreaterThan(0);
    expect(await count("/classes?filter=grades~'10'")).toBeGreaterThan(await count("/classes?filter=grades='10'"));
  });

  test('records marked for deletion show only to who asks about status or changes', async () => {
    const active = await count('/students');
    const gone = await count("/students?filter=status='tobedeleted'");
    expect(gone).toBeGreaterThan(0);
    expect(await count("/students?filter=dateLastModified>'2000-01-01T00:00:00.000Z'")).toBe(active + gone);
    expect(await count("/students?filter=dateLastModified>'2026-09-20'")).toBe(gone);
  });

  test.each([
    "title='x",
    'title=x',
    "nothing='x'",
    "title='a' AND title='b' AND title='c'",
    "title='a' and title='b'",
    "dateLastModified>'yesterday'",
    '',
  ])('the filter %j is refused', async (filter) => {
    const reply = await get(`/classes?filter=${encodeURIComponent(filter)}`);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      imsx_CodeMinor: {
        imsx_codeMinorField: [
          { imsx_codeMinorFieldName: 'TargetEndSystem', imsx_codeMinorFieldValue: 'invalid_filter_field' },
        ],
      },
    });
  });

  test('sorts both ways', async () => {
    const titles = async (order: string): Promise<unknown[]> =>
      rows((await get(`/classes?sort=title&orderBy=${order}&limit=1000`)).body, 'classes').map((row) => row.title);
    const ascending = await titles('asc');
    expect(ascending).toEqual([...ascending].sort());
    expect(await titles('desc')).toEqual([...ascending].reverse());
  });

  test('fields select; unknown ones are 400 in 1.2 and a warning in 1.1', async () => {
    const [row] = rows((await get('/orgs?fields=sourcedId,name')).body, 'orgs');
    expect(Object.keys(row ?? {})).toEqual(['sourcedId', 'name']);
    expect((await get('/orgs?fields=nothing')).status).toBe(400);
    expect((await get('/orgs?fields=')).status).toBe(400);
    expect((await get('/orgs?sort=nothing')).status).toBe(400);
    const headers = await tokenFor(everything);
    const lenient = await ask(`${school.baseV1p1}/orgs?fields=nothing`, { headers });
    expect(lenient.status).toBe(200);
    expect(lenient.body).toMatchObject({
      statusInfoSet: [{ imsx_severity: 'warning', imsx_codeMinor: 'invalid_selection_field' }],
    });
    const blank = await ask(`${school.baseV1p1}/orgs?fields=`, { headers });
    expect(blank.body).toMatchObject({ statusInfoSet: [{ imsx_codeMinor: 'invalid_blank_selection_field' }] });
  });
});

describe('request log', () => {
  test('says who asked for what and how many rows went out, and never a secret', async () => {
    const headers = await tokenFor(everything);
    await get("/classes?filter=classType='homeroom'&limit=5&access_token=hush", headers);
    const reply = await ask(`${sis.url}/_sandbox/requests?school=lindenhof`);
    expect(reply.body).toMatchObject({
      requests: [
        { path: '/lindenhof/oauth/token', client: 'Crosswalk', status: 200, rows: null },
        {
          method: 'GET',
          path: '/lindenhof/ims/oneroster/rostering/v1p2/classes',
          client: 'Crosswalk',
          status: 200,
          rows: 5,
          school: 'lindenhof',
        },
      ],
    });
    expect(reply.text).not.toContain('hush');
    expect(reply.text).not.toContain(school.client.clientSecret);
  });
});

describe("administrator's pages", () => {
  async function signedIn(): Promise<Record<string, string>> {
    const reply = await post(`${school.adminUrl}/sign-in`, sisAdmin);
    expect(reply.status).toBe(303);
    return { cookie: (reply.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  }

  test('show nothing without sign-in, and the demo password on the sign-in page', async () => {
    const page = await ask(school.adminUrl);
    expect(page.text).toContain(sisAdmin.password);
    expect(page.text).not.toContain(school.client.clientId);
    expect((await post(`${school.adminUrl}/clients`, { name: 'x' })).status).toBe(303);
    expect((await post(`${school.adminUrl}/sign-in`, { username: 'admin', password: 'no' })).status).toBe(401);
  });

  test('make a client, show its secret once, change its scopes and delete it', async () => {
    const headers = await signedIn();
    const page = await post(
      `${school.adminUrl}/clients`,
      new URLSearchParams([
        ['name', 'My <app>'],
        ['scope', `${V2}roster-core.readonly`],
      ]),
      headers,
    );
    expect(page.text).toContain('My &lt;app&gt;');
    const id = /id="new-client-id">([^<]+)</.exec(page.text)?.[1] ?? '';
    const secret = /id="new-client-secret">([^<]+)</.exec(page.text)?.[1] ?? '';
    expect((await ask(school.adminUrl, { headers })).text).not.toContain(secret);
    const token = (scope: string): ReturnType<typeof post> =>
      post(school.tokenUrl, { grant_type: 'client_credentials', scope }, basic(id, secret));
    expect((await token(`${V2}roster-core.readonly`)).status).toBe(200);
    await post(`${school.adminUrl}/clients/${id}/scopes`, { scope: `${V1}roster-core.readonly` }, headers);
    expect((await token(`${V2}roster-core.readonly`)).status).toBe(400);
    await post(`${school.adminUrl}/clients/${id}/delete`, {}, headers);
    expect((await token(`${V1}roster-core.readonly`)).status).toBe(401);
  });

  test('refuse a form that another site posted', async () => {
    const headers = await signedIn();
    expect(
      (await post(`${school.adminUrl}/clients`, { name: 'x' }, { ...headers, origin: 'http://evil.example' })).status,
    ).toBe(403);
  });

  test('show the log, and switch faults on and off', async () => {
    const headers = await signedIn();
    await get('/orgs');
    expect((await ask(`${school.adminUrl}/log`, { headers })).text).toContain('/v1p2/orgs');
    const on = await post(
      `${school.adminUrl}/faults`,
      { kind: 'html', path: '*/orgs', nth: '', times: '', more: '' },
      headers,
    );
    expect(on.status).toBe(303);
    expect((await get('/orgs')).text).toContain('<!doctype html>');
    const bad = await post(`${school.adminUrl}/faults`, { kind: 'html', more: '{' }, headers);
    expect(bad.status).toBe(400);
    await post(`${school.adminUrl}/faults`, { remove: 'all' }, headers);
    expect(sis.faults.list()).toHaveLength(0);
  });
});

describe('control routes', () => {
  const send = (path: string, body: unknown): ReturnType<typeof ask> =>
    ask(`${sis.url}/_sandbox${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('describe the schools, make clients and delete them', async () => {
    const schools = await ask(`${sis.url}/_sandbox/schools`);
    expect(schools.body).toMatchObject({
      schools: expect.arrayContaining([expect.objectContaining({ slug: 'lindenhof', client: school.client })]),
    });
    const made = await send('/schools/waterkant/clients', { name: 'Seed', scopes: [`${V2}roster-core.readonly`] });
    expect(made.status).toBe(201);
    const gone = `${sis.url}/_sandbox/schools/waterkant/clients/${textAt(made.body, 'clientId')}`;
    expect((await ask(gone, { method: 'DELETE' })).status).toBe(204);
    expect((await ask(gone, { method: 'DELETE' })).status).toBe(404);
    expect((await send('/schools/nowhere/clients', { name: 'x', scopes: [] })).status).toBe(404);
    expect((await send('/schools/waterkant/clients', { name: '' })).status).toBe(400);
  });

  test('change a record: renamed, marked, gone', async () => {
    const group = rows((await get('/classes?limit=1')).body, 'classes')[0];
    const id = textAt(group, 'sourcedId');
    expect((await send('/schools/lindenhof/changes', { collection: 'classes', id, name: 'Renamed' })).status).toBe(204);
    const renamed = await get(`/classes/${id}`);
    expect(renamed.body).toMatchObject({ class: { title: 'Renamed', status: 'active' } });
    expect(Date.parse(textAt(renamed.body, 'class', 'dateLastModified'))).toBeGreaterThan(Date.now() - 60_000);
    sis.change('lindenhof', { collection: 'classes', id, status: 'tobedeleted' });
    expect((await get(`/classes/${id}`)).body).toMatchObject({ class: { status: 'tobedeleted' } });
    sis.change('lindenhof', { collection: 'classes', id, remove: true });
    expect((await get(`/classes/${id}`)).status).toBe(404);
    expect((await send('/schools/lindenhof/changes', { collection: 'classes', id, name: 'x' })).status).toBe(404);
    expect((await send('/schools/lindenhof/changes', { collection: 'nothing', id })).status).toBe(400);
  });
});

test('a restart keeps clients and tokens, and a deleted demo client stays deleted', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'registra-'));
  const first = await startSis({ dataDir, schools: ['waterkant'] });
  const { narrowClient, client } = first.school('waterkant');
  first.deleteClient('waterkant', narrowClient.clientId);
  const headers = await tokenFor(everything, first.school('waterkant'));
  await first.close();
  const second = await startSis({ dataDir, schools: ['waterkant'] });
  const { baseV1p2 } = second.school('waterkant');
  expect((await ask(`${baseV1p2}/orgs`, { headers })).status).toBe(200);
  expect(second.clients('waterkant').map(({ clientId }) => clientId)).toEqual([client.clientId]);
  await second.close();
  rmSync(dataDir, { recursive: true });
});

test('a busy client gets 429', async () => {
  const small = await startSis({ schools: ['waterkant'], requestsPerMinute: 2 });
  const target = small.school('waterkant');
  const headers = await tokenFor(everything, target);
  const statuses: number[] = [];
  for (let n = 0; n < 3; n++) statuses.push((await ask(`${target.baseV1p2}/orgs`, { headers })).status);
  expect(statuses).toEqual([200, 200, 429]);
  await small.close();
});
