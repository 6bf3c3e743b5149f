import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunningCanvas } from '../canvas/server.ts';
import { startCanvas } from '../canvas/server.ts';
import type { RunningMoodle } from '../moodle/server.ts';
import { startMoodle } from '../moodle/server.ts';
import { knownScopes } from '../sis/oauth.ts';
import type { RunningSis, SisSchool } from '../sis/server.ts';
import { startSis } from '../sis/server.ts';
import { ask, linkOf, post, textAt } from '../testing/http.ts';
import { retryAfterHeader } from './faults.ts';

let sis: RunningSis;
let canvas: RunningCanvas;
let moodle: RunningMoodle;
let school: SisSchool;
let headers: Record<string, string>;

beforeAll(async () => {
  [sis, canvas, moodle] = await Promise.all([
    startSis({ schools: ['waterkant'] }),
    startCanvas({ school: 'waterkant' }),
    startMoodle({ school: 'waterkant' }),
  ]);
  school = sis.school('waterkant');
});
afterAll(async () => {
  await Promise.all([sis.close(), canvas.close(), moodle.close()]);
});
beforeEach(async () => {
  for (const program of [sis, canvas, moodle]) program.faults.clear();
  headers = { authorization: `Bearer ${textAt((await token()).body, 'access_token')}` };
});

const token = (): ReturnType<typeof post> =>
  post(
    school.tokenUrl,
    { grant_type: 'client_credentials', scope: knownScopes.map(({ uri }) => uri).join(' ') },
    { authorization: `Basic ${btoa(`${school.client.clientId}:${school.client.clientSecret}`)}` },
  );
const get = (path: string): ReturnType<typeof ask> =>
  ask(path.startsWith('http') ? path : `${school.baseV1p2}${path}`, { headers });
const idsOf = (body: unknown, key = 'classes'): string[] =>
  z
    .array(z.object({ sourcedId: z.string() }))
    .parse(z.record(z.string(), z.unknown()).parse(body)[key])
    .map(({ sourcedId }) => sourcedId);

/** Follows `next` to the end; the ids in the order in which they came. */
async function walk(path: string): Promise<string[]> {
  const seen: string[] = [];
  let next: string | undefined = `${school.baseV1p2}${path}`;
  while (next !== undefined) {
    const reply: Awaited<ReturnType<typeof ask>> = await get(next);
    expect(reply.status).toBe(200);
    seen.push(...idsOf(reply.body));
    next = linkOf(reply.headers, 'next');
  }
  return seen;
}

describe('which requests a fault meets', () => {
  test('the n-th request alone, or a number of them from there', async () => {
    sis.faults.add({ kind: 'server-error', nth: 2 });
    const statuses = async (n: number): Promise<number[]> => {
      const list: number[] = [];
      for (let i = 0; i < n; i++) list.push((await get('/orgs')).status);
      return list;
    };
    expect(await statuses(3)).toEqual([200, 503, 200]);
    sis.faults.clear();
    sis.faults.add({ kind: 'server-error', status: 500, nth: 2, times: 2 });
    expect(await statuses(4)).toEqual([200, 500, 500, 200]);
  });

  test('paths by glob, methods, and never the control routes', async () => {
    sis.faults.add({ kind: 'html', path: '*/v1p2/classes' });
    expect((await get('/orgs')).status).toBe(200);
    expect((await get('/classes')).headers.get('content-type')).toContain('html');
    expect((await get('/classes/x')).status).toBe(404);
    sis.faults.clear();
    sis.faults.add({ kind: 'reset', path: '*' });
    expect((await ask(`${sis.url}/_sandbox/health`)).body).toEqual({ status: 'ok' });
  });

  test('without a path, a fault of tokens or of pages counts only the requests that it is about', async () => {
    sis.faults.add({ kind: 'expired-token', nth: 1 });
    sis.faults.add({ kind: 'wrong-scope', nth: 1 });
    expect((await token()).body).not.toHaveProperty('scope');
    expect((await get('/orgs')).status).toBe(401);
    expect((await get('/orgs')).status).toBe(200);
  });

  test('switched over HTTP: on, listed, off', async () => {
    const url = `${sis.url}/_sandbox/faults`;
    const on = (body: unknown): ReturnType<typeof ask> =>
      ask(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    expect((await on({ kind: 'no-such-fault' })).status).toBe(400);
    expect((await on({ kind: 'html', typo: 1 })).status).toBe(400);
    expect((await ask(url, { method: 'POST', body: '{' })).status).toBe(400);
    const made = await on([{ kind: 'html', path: '*/orgs' }, { kind: 'missing-link' }]);
    const [first = ''] = z.object({ ids: z.array(z.string()) }).parse(made.body).ids;
    await get('/orgs');
    expect((await ask(url)).body).toMatchObject({ faults: [{ id: first, fired: 1 }, { fired: 1 }] });
    expect((await ask(`${url}/${first}`, { method: 'DELETE' })).status).toBe(204);
    expect((await ask(`${url}/${first}`, { method: 'DELETE' })).status).toBe(404);
    expect((await ask(url, { method: 'DELETE' })).status).toBe(204);
    expect(sis.faults.list()).toEqual([]);
  });
});

describe('transport', () => {
  test('latency', async () => {
    sis.faults.add({ kind: 'latency', ms: 40 });
    const before = performance.now();
    expect((await get('/orgs')).status).toBe(200);
    expect(performance.now() - before).toBeGreaterThanOrEqual(35);
  });

  test('reset closes the connection before an answer, and stands in the log with status 0', async () => {
    sis.faults.add({ kind: 'reset', nth: 1 });
    await expect(get('/orgs')).rejects.toThrow(/fetch failed/);
    expect(sis.requests().at(-1)).toMatchObject({ status: 0, faults: ['reset'] });
    expect((await get('/orgs')).status).toBe(200);
  });

  test('truncated: the head is whole, the body is not', async () => {
    sis.faults.add({ kind: 'truncated', keep: 0.3, nth: 1 });
    const response = await fetch(`${school.baseV1p2}/orgs`, { headers });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('stalled: half the body, then nothing, until the client leaves', async () => {
    sis.faults.add({ kind: 'stalled', nth: 1 });
    const leave = new AbortController();
    const response = await fetch(`${school.baseV1p2}/orgs`, { headers, signal: leave.signal });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(10);
    const second = reader?.read();
    leave.abort();
    await expect(second).rejects.toThrow();
  });

  test('a huge body has the bytes that were asked for, and is JSON', async () => {
    sis.faults.add({ kind: 'huge-body', bytes: 3_000_000, nth: 1 });
    const reply = await get('/orgs');
    expect(reply.text.length).toBeGreaterThan(3_000_000);
    expect(idsOf(reply.body, 'orgs')).toHaveLength(3);
  });

  test('an endless body goes on until the client leaves, and the program lives on', async () => {
    sis.faults.add({ kind: 'endless-body', nth: 1 });
    const response = await fetch(`${school.baseV1p2}/orgs`, { headers });
    const reader = response.body?.getReader();
    let bytes = 0;
    while (bytes < 2_000_000) bytes += (await reader?.read())?.value?.length ?? Number.POSITIVE_INFINITY;
    expect(bytes).toBeLessThan(Number.POSITIVE_INFINITY);
    await reader?.cancel();
    expect((await get('/orgs')).status).toBe(200);
  });
});

describe('refusals', () => {
  test.each([
    ['seconds', /^7$/],
    ['http-date', /GMT$/],
    ['rfc3339', /^\d{4}-.*Z$/],
    ['negative', /^-/],
    ['garbage', /^soon$/],
  ] as const)('429 with Retry-After as %s', async (retryAfter, form) => {
    sis.faults.add({ kind: 'rate-limit', retryAfter, seconds: 7 });
    const reply = await get('/orgs');
    expect(reply.status).toBe(429);
    expect(reply.headers.get('retry-after')).toMatch(form);
    expect(reply.body).toMatchObject({
      imsx_CodeMinor: { imsx_codeMinorField: [{ imsx_codeMinorFieldValue: 'server_busy' }] },
    });
  });

  test('429 without Retry-After, and 403 in its place', async () => {
    sis.faults.add({ kind: 'rate-limit', retryAfter: 'absent', status: 403 });
    const reply = await get('/orgs');
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([403, null]);
    expect(retryAfterHeader('http-date', 60, 0)).toEqual({ 'retry-after': 'Thu, 01 Jan 1970 00:01:00 GMT' });
  });

  test('5xx, in the payload of the version', async () => {
    sis.faults.add({ kind: 'server-error', status: 500, retryAfter: 'seconds' });
    const reply = await ask(`${school.baseV1p1}/orgs`, { headers });
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([500, '1']);
    expect(reply.body).toMatchObject({ statusInfoSet: [{ imsx_codeMinor: 'internal_server_error' }] });
  });

  test('200 with HTML, honest and lying', async () => {
    sis.faults.add({ kind: 'html', nth: 1 });
    sis.faults.add({ kind: 'html', lying: true, nth: 2 });
    const honest = await ask(`${school.baseV1p2}/orgs`, { headers });
    expect([honest.status, honest.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const lying = await fetch(`${school.baseV1p2}/orgs`, { headers });
    expect(lying.headers.get('content-type')).toBe('application/json');
    expect(await lying.text()).toContain('<!doctype html>');
  });

  test('an expired token is refused half way, and the same token works again after', async () => {
    sis.faults.add({ kind: 'expired-token', path: '*/classes', nth: 2 });
    expect((await get('/classes?limit=10')).status).toBe(200);
    expect((await get('/classes?limit=10&offset=10')).status).toBe(401);
    expect((await get('/classes?limit=10&offset=10')).status).toBe(200);
  });

  test('a revoked token stays dead; a new one works', async () => {
    sis.faults.add({ kind: 'revoked-token', path: '*/classes', nth: 1 });
    expect((await get('/classes')).status).toBe(401);
    expect((await get('/classes')).status).toBe(401);
    headers = { authorization: `Bearer ${textAt((await token()).body, 'access_token')}` };
    expect((await get('/classes')).status).toBe(200);
  });
});

describe('token answers', () => {
  test('another scope, or none', async () => {
    sis.faults.add({ kind: 'wrong-scope', nth: 1 });
    sis.faults.add({ kind: 'wrong-scope', scope: 'openid', nth: 2 });
    expect((await token()).body).not.toHaveProperty('scope');
    expect((await token()).body).toMatchObject({ scope: 'openid', token_type: 'bearer' });
  });

  test('clock skew in the Date header and in expires_in', async () => {
    sis.faults.add({ kind: 'clock-skew', seconds: -86_400, expiresIn: 5 });
    const reply = await token();
    expect(reply.body).toMatchObject({ expires_in: 5 });
    expect(Date.parse(reply.headers.get('date') ?? '')).toBeLessThan(Date.now() - 80_000_000);
  });
});

describe('pages', () => {
  test('a duplicate page repeats the one before and loses its own', async () => {
    const whole = await walk('/classes?limit=30');
    sis.faults.add({ kind: 'duplicate-page', nth: 2 });
    expect(await walk('/classes?limit=30')).toEqual([...whole.slice(0, 30), ...whole.slice(0, 30), ...whole.slice(60)]);
  });

  test('a missing page is skipped in silence', async () => {
    const whole = await walk('/classes?limit=30');
    sis.faults.add({ kind: 'missing-page', nth: 2 });
    expect(await walk('/classes?limit=30')).toEqual([...whole.slice(0, 30), ...whole.slice(60)]);
  });

  test('an empty page ends the walk with no total and no link', async () => {
    sis.faults.add({ kind: 'empty-page', nth: 2 });
    expect(await walk('/classes?limit=30')).toHaveLength(30);
    sis.faults.add({ kind: 'empty-page' });
    const reply = await get('/classes');
    expect([reply.status, reply.headers.get('x-total-count'), reply.headers.get('link')]).toEqual([200, null, null]);
  });

  test('shuffled pages and rows: everything comes, in another order', async () => {
    const whole = await walk('/classes?limit=45');
    sis.faults.add({ kind: 'shuffled-pages', path: '*/classes', times: 2 });
    const pages = await walk('/classes?limit=45');
    expect(pages).not.toEqual(whole);
    expect(new Set(pages)).toEqual(new Set(whole));
    sis.faults.clear();
    sis.faults.add({ kind: 'shuffled-rows', seed: '7' });
    const rows = await walk('/classes?limit=45');
    expect(rows).not.toEqual(whole);
    expect([...rows].sort()).toEqual([...whole].sort());
    expect(await walk('/classes?limit=45')).toEqual(rows);
  });

  test('no X-Total-Count, no Link, a clamped limit', async () => {
    sis.faults.add({ kind: 'missing-total' });
    sis.faults.add({ kind: 'clamped-limit', max: 4 });
    const reply = await get('/classes?limit=30');
    expect([reply.headers.get('x-total-count'), idsOf(reply.body).length]).toEqual([null, 4]);
    expect(linkOf(reply.headers, 'next')).toContain('limit=4');
    sis.faults.add({ kind: 'missing-link' });
    expect((await get('/classes?limit=30')).headers.get('link')).toBeNull();
  });

  test('relative hrefs in links and bodies', async () => {
    sis.faults.add({ kind: 'relative-hrefs' });
    const reply = await get('/classes?limit=1');
    expect(linkOf(reply.headers, 'next')).toMatch(/^\/waterkant\/ims/);
    expect(textAt(reply.body, 'classes', 0, 'school', 'href')).toMatch(/^\/waterkant\/ims/);
  });

  test('a next link to another host', async () => {
    sis.faults.add({ kind: 'foreign-next', origin: 'http://evil.example' });
    const reply = await get('/classes?limit=1');
    expect(linkOf(reply.headers, 'next')).toMatch(/^http:\/\/evil\.example\/waterkant/);
    expect(linkOf(reply.headers, 'first')).toMatch(/^http:\/\/127\.0\.0\.1/);
  });
});

describe('the LMSs have the same switches in their own words', () => {
  test('Canvas', async () => {
    const mine = { authorization: `Bearer ${canvas.oauth.mint(canvas.demoKey.id, '2').accessToken}` };
    const courses = (query: string): ReturnType<typeof ask> =>
      ask(`${canvas.url}/api/v1/accounts/1/courses?${query}`, { headers: mine });
    const first = (await courses('per_page=5')).text;
    const second = linkOf((await courses('per_page=5')).headers, 'next') ?? '';
    canvas.faults.add({ kind: 'duplicate-page', nth: 1 });
    expect((await ask(second, { headers: mine })).text).toBe(first);
    canvas.faults.add({ kind: 'clamped-limit', max: 2, nth: 1 });
    expect(z.array(z.unknown()).parse((await courses('per_page=100')).body)).toHaveLength(2);
    canvas.faults.add({ kind: 'rate-limit', status: 403, nth: 1 });
    expect((await courses('')).text).toContain('Rate Limit Exceeded');
    canvas.faults.add({ kind: 'expired-token', nth: 1 });
    expect((await courses('')).body).toEqual({ errors: [{ message: 'Invalid access token.' }] });
    canvas.faults.add({ kind: 'expired-token', path: '/login/oauth2/token', nth: 1 });
    expect((await post(`${canvas.url}/login/oauth2/token`, { grant_type: 'refresh_token' })).body).toMatchObject({
      error: 'invalid_grant',
    });
    canvas.faults.add({ kind: 'revoked-token', nth: 1 });
    expect((await courses('')).status).toBe(401);
    expect((await courses('')).status).toBe(401);
  });

  test('Moodle', async () => {
    const call = (): ReturnType<typeof post> =>
      post(`${moodle.url}/webservice/rest/server.php`, {
        wstoken: moodle.demoToken,
        wsfunction: 'core_course_get_categories',
        moodlewsrestformat: 'json',
      });
    const whole = (await call()).body;
    moodle.faults.add({ kind: 'shuffled-rows', seed: '3', nth: 1 });
    const shuffled = (await call()).body;
    expect(z.array(z.unknown()).parse(shuffled)).toHaveLength(z.array(z.unknown()).parse(whole).length);
    moodle.faults.add({ kind: 'server-error', nth: 1 });
    expect([(await call()).status, (await call()).status]).toEqual([503, 200]);
    moodle.faults.add({ kind: 'rate-limit', nth: 1 });
    expect((await call()).status).toBe(429);
    moodle.faults.add({ kind: 'truncated', nth: 1 });
    await expect(call()).rejects.toThrow();
    moodle.faults.add({ kind: 'revoked-token', nth: 1 });
    expect((await call()).body).toMatchObject({ errorcode: 'invalidtoken' });
    expect((await call()).body).toMatchObject({ errorcode: 'invalidtoken' });
  });
});
