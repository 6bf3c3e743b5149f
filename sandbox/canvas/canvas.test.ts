import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sha256 } from '../lib/secrets.ts';
import { ask, linkOf, post, textAt } from '../testing/http.ts';
import { servedScopes } from './api.ts';
import { defaultSettings } from './gate.ts';
import type { RunningCanvas } from './server.ts';
import { startCanvas } from './server.ts';

const redirectUri = 'http://127.0.0.1/callback';
const scope = servedScopes.join(' ');

let canvas: RunningCanvas;
beforeAll(async () => {
  canvas = await startCanvas();
});
afterAll(() => canvas.close());
beforeEach(() => {
  canvas.faults.clear();
  canvas.log.clear();
  Object.assign(canvas.settings, defaultSettings);
});

async function session(login: string): Promise<{ cookie: string }> {
  const reply = await post(`${canvas.url}/login/canvas`, {
    unique_id: login,
    password: canvas.logins.password,
    back: '/',
  });
  expect(reply.status).toBe(303);
  return { cookie: (reply.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

const authUrl = (fields: Record<string, string>): string =>
  `${canvas.url}/login/oauth2/auth?${new URLSearchParams({ client_id: canvas.demoKey.id, response_type: 'code', redirect_uri: redirectUri, state: 's-1', scope, ...fields })}`;

const backTo = (reply: { headers: Headers }): URLSearchParams =>
  new URL(reply.headers.get('location') ?? '').searchParams;

async function codeFor(login: string, fields: Record<string, string> = {}): Promise<string> {
  const headers = await session(login);
  const consent = await ask(authUrl(fields), { headers });
  expect(consent.status).toBe(200);
  const request = /name="request" value="([^"]+)"/.exec(consent.text)?.[1] ?? '';
  const answer = backTo(await post(`${canvas.url}/login/oauth2/accept`, { request }, headers));
  expect(answer.get('state')).toBe('s-1');
  return answer.get('code') ?? '';
}

const exchange = (fields: Record<string, string>): ReturnType<typeof post> =>
  post(`${canvas.url}/login/oauth2/token`, {
    client_id: canvas.demoKey.id,
    client_secret: canvas.demoKey.secret,
    ...fields,
  });

const minted = (login: string): Record<string, string> => {
  const user = [...canvas.model.users.values()].find((entry) => entry.login === login);
  return {
    authorization: `Bearer ${canvas.oauth.mint(canvas.demoKey.id, user?.id ?? '').accessToken}`,
    accept: 'application/json+canvas-string-ids',
  };
};
const get = (path: string, headers: Record<string, string>): ReturnType<typeof ask> =>
  ask(`${canvas.url}/api/v1${path}`, { headers });
const list = (body: unknown): Record<string, unknown>[] => z.array(z.record(z.string(), z.unknown())).parse(body);

describe('authorization', () => {
  test('a code for consent, a token for the code, once', async () => {
    const code = await codeFor(canvas.logins.admin);
    const reply = await exchange({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
    expect(reply.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 3600,
      user: { name: 'Alex Admin' },
      refresh_token: expect.any(String),
    });
    const again = await exchange({ grant_type: 'authorization_code', code, redirect_uri: redirectUri });
    expect([again.status, again.body]).toMatchObject([400, { error: 'invalid_grant' }]);
  });

  test('a refresh brings a new access token, no new refresh token, and ends the access token before it', async () => {
    const first = await exchange({
      grant_type: 'authorization_code',
      code: await codeFor(canvas.logins.admin),
      redirect_uri: redirectUri,
    });
    const refresh = { grant_type: 'refresh_token', refresh_token: textAt(first.body, 'refresh_token') };
    const second = await exchange(refresh);
    expect(second.status).toBe(200);
    expect(second.body).not.toHaveProperty('refresh_token');
    const self = (token: unknown): ReturnType<typeof ask> =>
      get('/users/self', { authorization: `Bearer ${textAt(token, 'access_token')}` });
    expect((await self(second.body)).status).toBe(200);
    expect((await self(first.body)).status).toBe(401);
    expect((await exchange(refresh)).status).toBe(200);
    expect((await exchange({ ...refresh, refresh_token: 'no' })).body).toMatchObject({ error: 'invalid_grant' });
  });

  test('PKCE: the verifier must fit, and fails where no challenge is stored', async () => {
    const verifier = 'v'.repeat(64);
    const challenge = { code_challenge: sha256(verifier), code_challenge_method: 'S256' };
    const trade = async (fields: Record<string, string>, sent: Record<string, string>): Promise<number> =>
      (
        await exchange({
          grant_type: 'authorization_code',
          code: await codeFor(canvas.logins.admin, fields),
          redirect_uri: redirectUri,
          ...sent,
        })
      ).status;
    expect(await trade(challenge, { code_verifier: verifier })).toBe(200);
    expect(await trade(challenge, { code_verifier: 'w'.repeat(64) })).toBe(400);
    expect(await trade(challenge, {})).toBe(400);
    expect(await trade({}, { code_verifier: verifier })).toBe(400);
    canvas.settings.pkce = false;
    expect(await trade(challenge, { code_verifier: verifier })).toBe(400);
    expect(await trade(challenge, {})).toBe(200);
  });

  test('refusals: cancel, foreign redirect, unknown client, scopes, response type, prompt', async () => {
    const headers = await session(canvas.logins.admin);
    const consent = await ask(authUrl({}), { headers });
    const request = /name="request" value="([^"]+)"/.exec(consent.text)?.[1] ?? '';
    expect(consent.text).toContain('force_login=1');
    expect(backTo(await post(`${canvas.url}/login/oauth2/deny`, { request }, headers)).get('error')).toBe(
      'access_denied',
    );
    for (const uri of ['http://127.0.0.1/callback/', 'http://127.0.0.1/callback?x=1', 'http://evil.example/']) {
      const reply = await ask(authUrl({ redirect_uri: uri }), { headers });
      expect([reply.status, reply.headers.get('location')]).toEqual([400, null]);
    }
    expect((await ask(authUrl({ client_id: '1' }), { headers })).status).toBe(401);
    expect(backTo(await ask(authUrl({ scope: '' }), { headers })).get('error')).toBe('invalid_scope');
    expect(backTo(await ask(authUrl({ scope: 'url:DELETE|/api/v1/users/:id' }), { headers })).get('error')).toBe(
      'invalid_scope',
    );
    expect(backTo(await ask(authUrl({ response_type: 'token' }), { headers })).get('error')).toBe(
      'unsupported_response_type',
    );
    expect(backTo(await ask(authUrl({ prompt: 'none' }))).get('error')).toBe('login_required');
    expect((await ask(authUrl({ force_login: '1', unique_id: 'me' }), { headers })).text).toContain('value="me"');
    expect((await exchange({ grant_type: 'password' })).body).toMatchObject({ error: 'unsupported_grant_type' });
    expect((await exchange({ client_secret: 'no' })).status).toBe(401);
    const json = (body: string): ReturnType<typeof ask> =>
      ask(`${canvas.url}/login/oauth2/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
    expect((await json('{')).body).toMatchObject({ error: 'invalid_client' });
    const { id: client_id, secret: client_secret } = canvas.demoKey;
    expect((await json(JSON.stringify({ client_id, client_secret, grant_type: 'refresh_token' }))).body).toMatchObject({
      error: 'invalid_grant',
    });
  });

  test('DELETE ends the token; deleting the key ends its tokens; a scope taken from a key ends tokens that have it', async () => {
    const admin = minted(canvas.logins.admin);
    expect((await ask(`${canvas.url}/login/oauth2/token`, { method: 'DELETE', headers: admin })).status).toBe(200);
    expect((await get('/users/self', admin)).status).toBe(401);
    const key = canvas.oauth.createKey({
      name: 'Other',
      redirectUris: [redirectUri],
      scopes: servedScopes,
      enforceScopes: true,
    });
    expect(BigInt(key.id)).toBeGreaterThan(2n ** 40n);
    const one = { authorization: `Bearer ${canvas.oauth.mint(key.id, '2').accessToken}` };
    canvas.oauth.updateKey(key.id, { redirectUris: [redirectUri], scopes: servedScopes.slice(1), enforceScopes: true });
    expect((await get('/users/self', one)).status).toBe(401);
    const two = { authorization: `Bearer ${canvas.oauth.mint(key.id, '2').accessToken}` };
    expect((await get('/accounts', two)).body).toEqual({
      errors: [{ message: 'Insufficient scopes on access token.' }],
    });
    canvas.oauth.deleteKey(key.id);
    expect((await get('/users/self', two)).status).toBe(401);
  });
});

describe('API', () => {
  test('an administrator of the account, of a site, and a teacher see what is theirs', async () => {
    const admin = minted(canvas.logins.admin);
    const site = minted(canvas.logins.siteAdmin);
    const teacher = minted(canvas.logins.teacher);
    expect(list((await get('/accounts', admin)).body).map(({ id }) => id)).toEqual(['1']);
    expect(list((await get('/accounts', site)).body).map(({ id }) => id)).toEqual(['101']);
    expect((await get('/accounts', teacher)).body).toEqual([]);
    const refused = await get('/accounts/1/courses', teacher);
    expect([refused.status, refused.body, refused.headers.get('www-authenticate')]).toEqual([
      401,
      { status: 'unauthorized', errors: [{ message: 'user not authorized to perform that action' }] },
      null,
    ]);
    canvas.settings.forbiddenStatus = 403;
    expect((await get('/accounts/self', site)).status).toBe(403);
    const own = list((await get('/courses?per_page=100', teacher)).body);
    expect(own.length).toBeGreaterThan(0);
    expect(own[0]).not.toHaveProperty('sis_course_id');
  });

  test('courses are paged by opaque links to their end, per_page capped at 100', async () => {
    const admin = minted(canvas.logins.admin);
    const seen = new Set<unknown>();
    let next: string | undefined = `${canvas.url}/api/v1/accounts/self/courses?per_page=5000`;
    let first = 0;
    while (next !== undefined) {
      const reply: Awaited<ReturnType<typeof ask>> = await ask(next, { headers: admin });
      const rows = list(reply.body);
      if (first === 0) first = rows.length;
      for (const { id } of rows) seen.add(id);
      expect(Number(reply.headers.get('x-request-cost'))).toBeGreaterThan(0);
      next = linkOf(reply.headers, 'next');
    }
    expect(first).toBe(100);
    expect(seen.size).toBe([...canvas.model.courses.values()].filter(({ state }) => state !== 'deleted').length);
    expect(list((await get('/accounts/1/courses', admin)).body)).toHaveLength(10);
  });

  test('ids are numbers, beyond 2^53 too, and strings for who asks', async () => {
    const { accept: _accept, ...numbers } = minted(canvas.logins.admin);
    const far = [...canvas.model.courses.keys()].find((id) => BigInt(id) > BigInt(Number.MAX_SAFE_INTEGER)) ?? '';
    expect((await get(`/courses/${far}`, numbers)).text).toContain(`"id":${far},`);
    expect(textAt((await get(`/courses/${far}`, minted(canvas.logins.admin))).body, 'id')).toBe(far);
  });

  test('SIS ids address what carries them; hand-made courses carry none', async () => {
    const admin = minted(canvas.logins.admin);
    const course = [...canvas.model.courses.values()].find(
      ({ sisId, state }) => sisId !== null && state === 'available',
    );
    const reply = await get(`/courses/sis_course_id:${course?.sisId}`, admin);
    expect(textAt(reply.body, 'id')).toBe(course?.id);
    const hex = Buffer.from(course?.sisId ?? '').toString('hex');
    expect((await get(`/courses/hex:sis_course_id:${hex}`, admin)).status).toBe(200);
    const sections = list((await get(`/courses/${course?.id}/sections`, admin)).body);
    expect(sections[0]).toMatchObject({ sis_section_id: expect.any(String), sis_course_id: course?.sisId });
    expect((await get(`/sections/${textAt(sections[0], 'id')}`, admin)).status).toBe(200);
    const states = list((await get('/accounts/1/courses?per_page=100&state[]=all', admin)).body);
    expect(states.some(({ sis_course_id }) => sis_course_id === null)).toBe(true);
    expect((await get('/courses/sis_course_id:nothing', admin)).body).toEqual({
      errors: [{ message: 'The specified resource does not exist.' }],
    });
  });

  test('accounts, terms, users and searches', async () => {
    const admin = minted(canvas.logins.admin);
    expect(list((await get('/accounts/1/sub_accounts', admin)).body)).toHaveLength(4);
    expect(list((await get('/accounts/1/sub_accounts?recursive=true', admin)).body)).toHaveLength(5);
    const terms = z
      .object({ enrollment_terms: z.array(z.object({ id: z.string(), sis_term_id: z.string().nullable() })) })
      .parse((await get('/accounts/1/terms', admin)).body);
    expect(terms.enrollment_terms.filter(({ sis_term_id }) => sis_term_id !== null)).toHaveLength(3);
    expect((await get('/accounts/101/terms', admin)).status).toBe(404);
    expect((await get('/accounts/1/courses?search_term=ab', admin)).status).toBe(400);
    expect(list((await get('/accounts/1/courses?search_term=mathematics', admin)).body).length).toBeGreaterThan(0);
    expect(list((await get('/accounts/1/users?per_page=3', admin)).body)[0]).toMatchObject({
      login_id: 'canvas-admin',
    });
    expect((await get('/users/sis_login_id:canvas-teacher', admin)).body).toMatchObject({ name: 'Toni Teacher' });
    expect((await get('/nothing', admin)).status).toBe(404);
  });

  test('token errors are told from permission errors by WWW-Authenticate', async () => {
    const bad = await get('/accounts', { authorization: 'Bearer nope' });
    expect([bad.status, bad.body]).toEqual([401, { errors: [{ message: 'Invalid access token.' }] }]);
    expect(bad.headers.get('www-authenticate')).toContain('Bearer');
    expect((await get('/accounts', {})).body).toMatchObject({ status: 'unauthenticated' });
    const admin = minted(canvas.logins.admin);
    canvas.clock.advance(3_601_000);
    expect((await get('/accounts', admin)).status).toBe(401);
  });

  test('throttling in the new form and in the old one, and it passes with time', async () => {
    Object.assign(canvas.settings, { quota: 2, refillPerSecond: 0.01 });
    const admin = minted(canvas.logins.admin);
    const remaining = Number((await get('/accounts', admin)).headers.get('x-rate-limit-remaining'));
    expect(remaining).toBeLessThan(1);
    await get('/accounts', admin);
    expect([(await get('/accounts', admin)).status, (await get('/accounts', admin)).text]).toEqual([
      429,
      '429 Forbidden (Rate Limit Exceeded)\n',
    ]);
    canvas.settings.throttleStatus = 403;
    expect([(await get('/accounts', admin)).status, (await get('/accounts', admin)).text]).toEqual([
      403,
      '403 Forbidden (Rate Limit Exceeded)\n',
    ]);
    canvas.clock.advance(500_000);
    expect((await get('/accounts', admin)).status).toBe(200);
  });
});

describe("administrator's pages", () => {
  test('a developer key is made, used and deleted; a teacher may not', async () => {
    const teacher = await session(canvas.logins.teacher);
    expect((await ask(`${canvas.url}/developer_keys`, { headers: teacher })).text).toContain('Only an administrator');
    const headers = await session(canvas.logins.admin);
    const made = await post(
      `${canvas.url}/developer_keys`,
      { name: 'Mine', redirect_uris: 'https://app.example/cb', scopes: servedScopes.join('\n'), enforce: '1' },
      headers,
    );
    const id = /its id is (\d+)/.exec(made.text)?.[1] ?? '';
    expect(canvas.oauth.key(id)).toMatchObject({
      redirectUris: ['https://app.example/cb'],
      enforceScopes: true,
      scopes: servedScopes,
    });
    expect((await post(`${canvas.url}/developer_keys`, { name: 'x', redirect_uris: 'nope' }, headers)).status).toBe(
      400,
    );
    await post(`${canvas.url}/developer_keys/${id}`, { redirect_uris: 'https://app.example/cb2', scopes: '' }, headers);
    expect(canvas.oauth.key(id)).toMatchObject({ redirectUris: ['https://app.example/cb2'], enforceScopes: false });
    await post(`${canvas.url}/developer_keys/${id}/delete`, {}, headers);
    expect(canvas.oauth.key(id)).toBeUndefined();
    for (const path of ['/', '/sandbox/settings', '/sandbox/log', '/sandbox/faults'])
      expect((await ask(`${canvas.url}${path}`, { headers })).status).toBe(200);
    await post(`${canvas.url}/sandbox/settings`, { forbidden403: '1' }, headers);
    expect(canvas.settings).toMatchObject({ pkce: false, forbiddenStatus: 403, throttleStatus: 429 });
    expect(
      (await post(`${canvas.url}/developer_keys`, { name: 'x' }, { ...headers, origin: 'http://evil.example' })).status,
    ).toBe(403);
  });

  test('login does not lead to another site', async () => {
    const reply = await post(`${canvas.url}/login/canvas`, {
      unique_id: canvas.logins.admin,
      password: canvas.logins.password,
      back: '//evil.example',
    });
    expect(reply.headers.get('location')).toBe('/');
    expect((await post(`${canvas.url}/login/canvas`, { unique_id: 'x', password: 'y' })).status).toBe(401);
  });
});

test('control routes make keys and tokens for a seeded demo; a restart keeps them', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'canvas-'));
  const first = await startCanvas({ dataDir, school: 'waterkant', redirectUris: ['http://localhost:3000/cb'] });
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const key = await ask(`${first.url}/_sandbox/keys`, {
    ...json,
    body: JSON.stringify({ name: 'Seed', redirectUris: ['http://localhost:3000/cb'], scopes: servedScopes }),
  });
  const token = await ask(`${first.url}/_sandbox/tokens`, {
    ...json,
    body: JSON.stringify({ keyId: textAt(key.body, 'id'), login: 'canvas-admin' }),
  });
  await first.close();
  const second = await startCanvas({ dataDir, school: 'waterkant' });
  expect(
    (
      await ask(`${second.url}/api/v1/accounts`, {
        headers: { authorization: `Bearer ${textAt(token.body, 'accessToken')}` },
      })
    ).status,
  ).toBe(200);
  expect(second.oauth.key(second.demoKey.id)?.redirectUris).toEqual(['http://localhost:3000/cb']);
  await second.close();
  rmSync(dataDir, { recursive: true });
});
