import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ask, linkOf, post, textAt } from '../testing/http.ts';
import { sisAdmin } from './admin.ts';
import { knownScopes } from './oauth.ts';
import type { RunningSis, SisSchool } from './server.ts';
import { startSis } from './server.ts';
import { defaultSettings } from './settings.ts';

type Row = Record<string, unknown>;

let sis: RunningSis;
let school: SisSchool;
let headers: Record<string, string>;

beforeAll(async () => {
  sis = await startSis({ schools: ['lindenhof', 'waterkant'] });
  school = sis.school('lindenhof');
  const reply = await post(school.tokenUrl, {
    grant_type: 'client_credentials',
    scope: knownScopes.map(({ uri }) => uri).join(' '),
    client_id: school.client.clientId,
    client_secret: school.client.clientSecret,
  });
  headers = { authorization: `Bearer ${textAt(reply.body, 'access_token')}` };
});
afterAll(() => sis.close());
beforeEach(() => sis.set('lindenhof', defaultSettings));

const listed = z.record(z.string(), z.array(z.record(z.string(), z.unknown())));

async function all(path: string, base: string = school.baseV1p2): Promise<Row[]> {
  const found: Row[] = [];
  let next: string | undefined = `${base}${path}${path.includes('?') ? '&' : '?'}limit=10000`;
  while (next !== undefined) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(next, { headers });
    expect(page.status).toBe(200);
    found.push(...Object.values(listed.parse(page.body)).flat());
    next = linkOf(page.headers, 'next');
  }
  return found;
}
const statusOf = async (path: string): Promise<number> => (await ask(`${school.baseV1p2}${path}`, { headers })).status;

describe('a row per site', () => {
  test('under the same id, in both versions', async () => {
    const before = await all('/students');
    sis.set('lindenhof', { rowPerSite: 'same-id' });
    for (const base of [school.baseV1p2, school.baseV1p1]) {
      const rows = await all('/students', base);
      expect(rows.length).toBeGreaterThan(before.length);
      expect(new Set(rows.map(({ sourcedId }) => sourcedId)).size).toBe(before.length);
      for (const row of rows) expect(z.array(z.unknown()).parse(row.roles ?? row.orgs)).toHaveLength(1);
    }
  });

  test('under an id for each and one master identifier, every enrolment naming a row', async () => {
    const before = await all('/users');
    sis.set('lindenhof', { rowPerSite: 'own-ids' });
    const rows = await all('/users');
    const ids = new Set(rows.map(({ sourcedId }) => sourcedId));
    expect(ids.size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(before.length);
    expect(new Set(rows.map(({ userMasterIdentifier }) => userMasterIdentifier)).size).toBe(before.length);
    const students = new Set((await all('/students')).map(({ sourcedId }) => sourcedId));
    const enrolled = (await all("/enrollments?filter=role='student'")).map((row) => textAt(row, 'user', 'sourcedId'));
    expect(enrolled.filter((id) => !students.has(id))).toEqual([]);
    const usual = new Set(before.map(({ sourcedId }) => sourcedId));
    expect(enrolled.some((id) => !usual.has(id))).toBe(true);
  });
});

test('reused ids: the same sourcedIds, other people', async () => {
  const before = new Map((await all('/students')).map((row) => [row.sourcedId, row]));
  sis.set('lindenhof', { reusedIds: 3 });
  const after = await all('/students');
  expect(after.map(({ sourcedId }) => sourcedId)).toEqual([...before.keys()]);
  const others = after.filter((row) => {
    const old = before.get(row.sourcedId);
    return row.familyName !== old?.familyName && row.givenName !== old?.givenName && row.identifier !== old?.identifier;
  });
  expect(others).toHaveLength(3);
});

test('records told carelessly: no usernames, grades in words, booleans of JSON, lists as text, moments to come', async () => {
  sis.set('lindenhof', { emptyUsernames: true, gradesInWords: true, booleans: 'json', futureDates: true });
  const students = await all('/students', school.baseV1p1);
  expect(students.filter(({ username }) => username === '').length).toBeGreaterThan(30);
  expect(students[0]).toMatchObject({ grades: ['Grade 7'], enabledUser: expect.any(Boolean) });
  const future = students.filter(({ dateLastModified }) => String(dateLastModified) > '2036');
  expect(future.length).toBeGreaterThan(5);
  expect(future.length).toBeLessThan(40);
  expect((await all('/enrollments'))[0]).toMatchObject({ primary: true });
  expect((await all('/demographics'))[0]).toMatchObject({ status: 'active' });
  sis.set('lindenhof', { gradeLists: 'text', gradesInWords: false });
  expect((await all("/classes?filter=title~'Talent'"))[0]).toMatchObject({ grades: '07,08,09,10,11,12' });
});

test('streams told with students, or nowhere but in grades', async () => {
  expect((await all('/students'))[0]).not.toHaveProperty('metadata');
  sis.set('lindenhof', { streamsOn: 'students' });
  expect(
    (await all("/students?filter=metadata.study='havo 4 Nature & Tech'".replace('&', '%26'))).length,
  ).toBeGreaterThan(10);
  expect((await all('/classes')).some((row) => row.metadata !== undefined)).toBe(false);
  sis.set('lindenhof', { streamsOn: 'nowhere' });
  for (const path of ['/students', '/classes', '/courses']) {
    const rows = await all(path);
    expect(rows.some((row) => row.metadata !== undefined)).toBe(false);
    expect(rows[0]).toHaveProperty('grades');
  }
});

test('references by path, and by sourcedId alone', async () => {
  sis.set('lindenhof', { hrefs: 'relative' });
  expect(textAt(await all('/classes?limit=1'), 0, 'course', 'href')).toMatch(/^\/lindenhof\/ims\/oneroster\//);
  sis.set('lindenhof', { hrefs: 'absent' });
  expect((await all('/classes'))[0]?.course).toEqual({ sourcedId: expect.any(String) });
});

test('sorting ignored or refused, another order every time, no nested collections', async () => {
  const ids = async (path: string): Promise<unknown[]> => (await all(path)).map(({ sourcedId }) => sourcedId);
  const usual = await ids('/courses');
  sis.set('lindenhof', { sort: 'ignored' });
  expect(await ids('/courses?sort=title')).toEqual(usual);
  sis.set('lindenhof', { sort: 'refused' });
  expect(await statusOf('/courses?sort=title')).toBe(400);
  sis.set('lindenhof', { sort: 'obeyed', order: 'shuffled' });
  expect(await ids('/courses')).not.toEqual(await ids('/courses'));
  expect(await ids('/courses?sort=sourcedId')).toEqual([...usual].sort());
  const schoolId = textAt(await all('/schools'), 0, 'sourcedId');
  expect(await statusOf(`/schools/${schoolId}/classes`)).toBe(200);
  sis.set('lindenhof', { nested: false });
  expect(await statusOf(`/schools/${schoolId}/classes`)).toBe(404);
});

describe('changes', () => {
  const since = "filter=dateLastModified>='2026-10-30T00:00:00.000Z'&sort=dateLastModified";

  test('of a set are told by date, in order, with what was marked for deletion', async () => {
    const active = (await all('/enrollments')).length;
    expect(await all(`/enrollments?${since}`)).toEqual([]);
    sis.clock.advance(Date.UTC(2026, 10, 1) - sis.clock.now());
    expect(sis.changeSet('lindenhof', { percent: 1, removedPercent: 1 })).toBeGreaterThan(100);
    const changed = await all(`/enrollments?${since}`);
    const gone = changed.filter(({ status }) => status === 'tobedeleted');
    expect(gone.length).toBeGreaterThan(50);
    expect(changed.length - gone.length).toBeGreaterThan(50);
    expect((await all('/enrollments')).length).toBe(active - gone.length);
    const moments = changed.map(({ dateLastModified }) => String(dateLastModified));
    expect(moments).toEqual([...moments].sort());
    sis.set('lindenhof', { tombstones: false });
    expect(await all(`/enrollments?${since}`)).toHaveLength(changed.length - gone.length);
    sis.set('lindenhof', { deltaFilter: 'ignored' });
    expect(await all(`/enrollments?${since}`)).toHaveLength(active - gone.length);
    sis.set('lindenhof', { deltaFilter: 'refused' });
    expect(await statusOf(`/enrollments?${since}`)).toBe(400);
  });

  test('can be made, and settings switched, by control requests', async () => {
    const send = (path: string, body: unknown): ReturnType<typeof ask> =>
      ask(`${sis.url}/_sandbox/schools/waterkant/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await send('change-sets', { percent: 5 })).body).toMatchObject({ changed: expect.any(Number) });
    expect((await send('change-sets', { percent: 500 })).status).toBe(400);
    expect((await send('settings', { hrefs: 'absent' })).body).toEqual({ ...defaultSettings, hrefs: 'absent' });
    expect((await send('settings', { hrefs: 'none' })).status).toBe(400);
    expect((await ask(`${sis.url}/_sandbox/schools/waterkant/settings`)).body).toMatchObject({ hrefs: 'absent' });
    expect((await ask(`${sis.url}/_sandbox/schools/nowhere/settings`)).status).toBe(404);
  });
});

test('the administrator switches settings on their page', async () => {
  const reply = await post(`${school.adminUrl}/sign-in`, sisAdmin);
  const cookie = { cookie: (reply.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
  const page = (await ask(`${school.adminUrl}/settings`, { headers: cookie })).text;
  const fields = new URLSearchParams();
  for (const [, name = '', body = ''] of page.matchAll(/<select id="(\w+)"[^>]*>(.*?)<\/select>/gs)) {
    const value = /value="([^"]*)" selected/.exec(body)?.[1] ?? '';
    fields.set(name, value.replaceAll('&quot;', '"'));
  }
  fields.set('hrefs', '"absent"');
  expect((await post(`${school.adminUrl}/settings`, fields, cookie)).status).toBe(303);
  expect(sis.settings('lindenhof')).toEqual({ ...defaultSettings, hrefs: 'absent' });
  expect((await post(`${school.adminUrl}/settings`, { hrefs: 'x' }, cookie)).status).toBe(400);
});
