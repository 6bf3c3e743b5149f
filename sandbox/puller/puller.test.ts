import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startSis } from '../sis/server.ts';
import type { FakeProvider } from '../testing/fake-provider.ts';
import { row, startFakeProvider } from '../testing/fake-provider.ts';
import { ask, post } from '../testing/http.ts';
import { pullerAdmin } from './pages.ts';
import { countsOf, looseEndsOf, streamsOf } from './roster.ts';
import type { RunningPuller } from './server.ts';
import { startPuller } from './server.ts';
import type { Pull, Source } from './source.ts';

let puller: RunningPuller;
let provider: FakeProvider;
let source: Source;

beforeAll(async () => {
  puller = await startPuller();
});
afterAll(() => puller.close());
beforeEach(async () => {
  provider = await startFakeProvider();
  source = add();
});
afterEach(() => provider.close());

const add = (change: Record<string, unknown> = {}): Source => puller.sources.add({ ...entered(), limit: 2, ...change });
const entered = (): Record<string, unknown> => ({
  name: 'A school',
  baseUrl: `${provider.baseUrl}/`,
  tokenUrl: provider.tokenUrl,
  ...provider.client,
});
async function pull(everything = false): Promise<Pull> {
  provider.heard.length = 0;
  const done = await puller.sources.pull(source.id, { everything });
  if (done === undefined) throw new Error('the source is gone');
  return done;
}
const how = ({ outcomes }: Pull): Record<string, string> =>
  Object.fromEntries(outcomes.map((outcome) => [outcome.collection, outcome.how]));
const whole = {
  groups: 3,
  classes: 1,
  streams: 2,
  subjects: 1,
  terms: 1,
  sites: 1,
  teachers: 1,
  students: 5,
  enrolments: 6,
};
const LATER = '2026-10-01T08:00:00.000Z';

describe('everything', () => {
  test('follows next to the end, page by page, and keeps what it was told', async () => {
    expect((await pull()).trouble).toBeNull();
    expect(countsOf(source.roster)).toEqual(whole);
    expect(streamsOf(source.roster)).toEqual([
      { code: 'A', name: 'Stream A', groups: 2 },
      { code: 'B', name: 'Stream B', groups: 1 },
    ]);
    expect(looseEndsOf(source.roster)).toBe(0);
    expect(provider.heard.filter((line) => line.includes('students'))).toEqual([
      '200 students?limit=2',
      '200 students?limit=2&cursor=2',
      '200 students?limit=2&cursor=4',
    ]);
    expect(provider.heard[0]).toBe('200 token basic');
    expect(puller.asked(source.id).map(({ path }) => path)).toHaveLength(provider.heard.length);
  });

  test('a page that has not changed is asked for by its tag, and not sent again', async () => {
    await pull();
    const again = await pull(true);
    expect(provider.heard.every((line) => line.startsWith('304'))).toBe(true);
    expect(again.outcomes.reduce((sum, { received }) => sum + received, 0)).toBe(0);
    expect(countsOf(source.roster)).toEqual(whole);
    provider.rows.students?.push(row('s6', { givenName: 'New', familyName: 'Here' }));
    await pull(true);
    expect(provider.heard.filter((line) => line.startsWith('200'))).toEqual(['200 students?limit=2&cursor=4']);
    expect(countsOf(source.roster).students).toBe(6);
  });

  test('without Link goes on by offset; credentials in the body where that is chosen', async () => {
    provider.does.sendsLinks = false;
    source = add({ authentication: 'body' });
    expect((await pull()).trouble).toBeNull();
    expect(countsOf(source.roster)).toEqual(whole);
    expect(provider.heard[0]).toBe('200 token body');
  });

  test('what the school does not share is no trouble; what is shared is received', async () => {
    provider.does.withheld = new Set(['students', 'enrollments']);
    const done = await pull();
    expect(done.trouble).toBeNull();
    expect(how(done)).toMatchObject({ students: 'not-shared', enrollments: 'not-shared', teachers: 'full' });
    expect(countsOf(source.roster)).toMatchObject({ groups: 3, teachers: 1, students: 0 });
    provider.does.withheld = new Set(Object.keys(provider.rows));
    expect((await pull()).trouble).toMatch(/shares nothing/);
  });

  test('a record that cannot be read is counted and left out', async () => {
    provider.rows.courses?.push(row('odd', { title: 12 }));
    const done = await pull();
    expect(done.outcomes.find(({ collection }) => collection === 'courses')).toMatchObject({
      received: 2,
      unreadable: 1,
    });
    expect(countsOf(source.roster).subjects).toBe(1);
  });
});

describe('what changed', () => {
  test('is asked for by date: new, renamed and removed records', async () => {
    await pull();
    const students = provider.rows.students ?? [];
    Object.assign(students[0] ?? {}, { familyName: 'Renamed', dateLastModified: LATER });
    Object.assign(students[1] ?? {}, { status: 'tobedeleted', dateLastModified: LATER });
    students.push({ ...row('s6', { givenName: 'New', familyName: 'Here' }), dateLastModified: LATER });
    const done = await pull();
    expect(how(done)).toMatchObject({ students: 'delta', classes: 'delta' });
    expect(source.roster.students.map(({ name }) => name).sort()).toEqual([
      'New Here',
      'Sam Renamed',
      'Sam Student 3',
      'Sam Student 4',
      'Sam Student 5',
    ]);
    expect(provider.heard).toContain("200 students?limit=2&filter=dateLastModified>'2026-09-01T07:55:00.000Z'");
  });

  test('does not add up where a record vanished: all of it is asked for', async () => {
    await pull();
    provider.rows.students?.pop();
    expect(how(await pull())).toMatchObject({ students: 'full', classes: 'delta' });
    expect(countsOf(source.roster).students).toBe(4);
  });

  test('cannot be told by a server without that filter: all of it is asked for', async () => {
    await pull();
    provider.does.knowsFilters = false;
    const done = await pull();
    expect([done.trouble, new Set(Object.values(how(done)))]).toEqual([null, new Set(['full'])]);
  });

  test('a date that lies ahead hides no later change', async () => {
    provider.rows.orgs?.push({
      ...row('south', { name: 'South', type: 'school' }),
      dateLastModified: '2999-01-01T00:00:00.000Z',
    });
    await pull();
    expect(source.cursors.orgs).toBe('2026-09-01T08:00:00.000Z');
  });
});

describe('trouble', () => {
  test('401 after something was received: the school has ended the connection, and what was received stays', async () => {
    await pull();
    provider.does.ended = true;
    const done = await pull();
    expect(done.trouble).toMatch(/The school has ended the connection/);
    expect(provider.heard.slice(0, 2)).toEqual([expect.stringMatching(/^401 orgs/), '401 token basic']);
    expect(countsOf(source.roster)).toEqual(whole);
  });

  test('401 at first: the client was entered wrongly', async () => {
    source = add({ clientSecret: 'wrong' });
    expect((await pull()).trouble).toMatch(/does not accept this client \(401\): look at client id/);
    expect(source.receivedAt).toBeNull();
  });

  test('a token that ended before its time is renewed without a word', async () => {
    await pull();
    provider.does.forgetTokens = true;
    expect((await pull()).trouble).toBeNull();
    expect(provider.heard.filter((line) => line.includes('token'))).toHaveLength(1);
  });

  test('429 is waited for as told, and given up on where the wait is long', async () => {
    provider.does.busy = 2;
    expect((await pull()).trouble).toBeNull();
    Object.assign(provider.does, { busy: 1, retryAfter: '600' });
    expect((await pull()).trouble).toMatch(/busy \(429\): try again in 600 seconds/);
  });

  test('a server that miscounts: nothing is taken over', async () => {
    await pull();
    provider.does.miscount = 1;
    expect((await pull(true)).trouble).toMatch(/says that there are 2 orgs but sent 1/);
    expect(countsOf(source.roster)).toEqual(whole);
  });

  test('a next page elsewhere is not asked for: the token would go with it', async () => {
    provider.does.nextOrigin = 'http://127.0.0.1:9';
    expect((await pull()).trouble).toMatch(/next page lies elsewhere/);
  });

  test('nobody there, no OneRoster there, no such path', async () => {
    source = add({ tokenUrl: 'http://127.0.0.1:9/token' });
    expect((await pull()).trouble).toBe('The server at 127.0.0.1:9 does not answer.');
    source = add({ baseUrl: `${puller.url}/nothing` });
    expect((await pull()).trouble).toMatch(/no OneRoster server/);
    source = add({ baseUrl: `${provider.baseUrl}/x` });
    expect((await pull()).trouble).toMatch(/\(404\)/);
  });
});

test('two pulls at once are one', async () => {
  provider.heard.length = 0;
  const [one, two] = await Promise.all([puller.sources.pull(source.id), puller.sources.pull(source.id)]);
  expect(one).toBe(two);
  expect(provider.heard.filter((line) => line.includes('token'))).toHaveLength(1);
});

test("against the sandbox's own SIS: 1.2, 1.1 and 1.1 with OAuth 1.0a give the same roster", async () => {
  const sis = await startSis({ schools: ['waterkant'], settings: { v1p1Authentication: 'either' } });
  const { baseV1p2, baseV1p1, tokenUrl, client } = sis.school('waterkant');
  const rosters = [];
  for (const ways of [
    { version: 'v1p2', baseUrl: baseV1p2, tokenUrl },
    { version: 'v1p1', baseUrl: baseV1p1, tokenUrl, authentication: 'body' },
    { version: 'v1p1', baseUrl: baseV1p1, authentication: 'oauth1' },
  ]) {
    source = puller.sources.add({ name: 'Waterkant', ...client, ...ways });
    expect((await puller.sources.pull(source.id))?.trouble).toBeNull();
    rosters.push(source.roster);
  }
  expect(countsOf(source.roster).students).toBeGreaterThan(100);
  expect(countsOf(source.roster).streams).toBeGreaterThan(3);
  expect(rosters[1]).toEqual(rosters[0]);
  expect(rosters[2]).toEqual(rosters[0]);
  sis.changeSet('waterkant', { percent: 5, removedPercent: 2 });
  const done = await puller.sources.pull(source.id);
  expect(done?.outcomes.every((outcome) => outcome.how === 'delta')).toBe(true);
  expect(countsOf(source.roster).enrolments).toBe(
    done?.outcomes.find(({ collection }) => collection === 'enrollments')?.total,
  );
  await sis.close();
});

describe('pages', () => {
  async function browse(): Promise<(path: string, form?: Record<string, string>) => ReturnType<typeof ask>> {
    const login = { username: pullerAdmin.username, password: pullerAdmin.password };
    const cookie = (await post(`${puller.url}/sign-in`, login)).headers.get('set-cookie')?.split(';')[0] ?? '';
    return (path, form) =>
      form === undefined
        ? ask(`${puller.url}${path}`, { headers: { cookie } })
        : post(`${puller.url}${path}`, form, { cookie });
  }

  test('nothing is shown or done before sign-in, nor for a form from elsewhere', async () => {
    expect((await ask(`${puller.url}/sources/${source.id}`)).text).not.toContain('A school');
    expect((await post(`${puller.url}/sources/${source.id}/forget`, {})).status).toBe(303);
    expect((await post(`${puller.url}/sign-in`, { username: 'admin', password: 'x' })).status).toBe(401);
    const elsewhere = { origin: 'https://elsewhere.example' };
    expect((await post(`${puller.url}/sources/${source.id}/forget`, {}, elsewhere)).status).toBe(403);
    expect(puller.sources.one(source.id)).toBeDefined();
  });

  test('from entering a school to its groups, streams and people, and no secret on any page', async () => {
    const go = await browse();
    const text = Object.fromEntries(Object.entries(entered()).map(([name, value]) => [name, String(value)]));
    const wrong = await go('/sources', { ...text, tokenUrl: 'nowhere', authentication: 'oauth1' });
    expect(wrong.text).toContain('The token URL is no web address.');
    const made = await go('/sources', { ...text, version: 'v1p2', authentication: 'basic', limit: '3' });
    const here = made.headers.get('location') ?? '';
    expect((await go(here)).text).toContain('Nothing was received yet');
    expect((await go(`${here}/pull`, {})).status).toBe(303);
    const overview = await go(here);
    expect(overview.text).toContain('Everything that the school shares was received');
    expect((await go(`${here}/groups`)).text).toMatch(/Maths g1[\s\S]*Mathematics[\s\S]*Stream A[\s\S]*Tess Teacher/);
    expect((await go(`${here}/groups/g1`)).text).toContain('Sam Student 5');
    for (const [page, words] of [
      ['streams', 'Stream B'],
      ['subjects', 'Mathematics'],
      ['teachers', 'Tess Teacher'],
      ['students', 'Sam Student 1'],
      ['classes', '9a'],
      ['terms', 'schoolYear'],
      ['sites', 'North'],
      ['enrolments', 'teacher, primary'],
      ['requests', '/ims/oneroster/rostering/v1p2/students?limit=3'],
    ])
      expect((await go(`${here}/${page}`)).text).toContain(words);
    expect(overview.text).not.toContain(provider.client.clientSecret);
    expect((await go(`${here}/nothing`)).status).toBe(404);

    await go(here, { ...text, clientSecret: '', name: 'Renamed school', limit: '4' });
    expect((await go(here)).text).toContain('Renamed school');
    provider.does.ended = true;
    await go(`${here}/pull`, {});
    expect((await go(here)).text).toMatch(/role="alert">The school has ended the connection[\s\S]*is kept/);
    await go(`${here}/forget`, {});
    expect((await go(here)).status).toBe(404);
  });
});

test('over its controls: entered, pulled, told without the secret', async () => {
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const wrong = await ask(`${puller.url}/_sandbox/sources`, { ...json, body: '{"name":"x"}' });
  expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('The base URL')]);
  const made = await ask(`${puller.url}/_sandbox/sources`, { ...json, body: JSON.stringify(entered()) });
  expect(made.status).toBe(201);
  expect(made.text).not.toContain('secret/with');
  const { id } = puller.sources.list().at(-1) ?? { id: '' };
  expect((await ask(`${puller.url}/_sandbox/sources/${id}/pull`, json)).body).toMatchObject({ trouble: null });
  const told = await ask(`${puller.url}/_sandbox/sources`);
  expect(told.body).toMatchObject({
    sources: expect.arrayContaining([expect.objectContaining({ id, counts: whole })]),
  });
  expect((await ask(`${puller.url}/_sandbox/sources/${id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await ask(`${puller.url}/_sandbox/sources/${id}/pull`, json)).status).toBe(404);
});

test('remembers over a restart what was entered and received', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'puller-'));
  const first = await startPuller({ dataDir });
  const { id } = first.sources.add(entered());
  await first.sources.pull(id);
  await first.close();
  const second = await startPuller({ dataDir });
  const kept = second.sources.one(id);
  expect(kept === undefined ? null : countsOf(kept.roster)).toEqual(whole);
  expect((await second.sources.pull(id))?.outcomes.every((outcome) => outcome.how === 'delta')).toBe(true);
  await second.close();
  rmSync(dataDir, { recursive: true });
});
