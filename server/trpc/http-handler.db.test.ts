import superjson from 'superjson';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newToken, sealSessionToken, sessionCookie } from '#server/features/people/session-token.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { makePerson, nobody, type TestPerson, testNow } from '#server/testing/actors.ts';
import { answerTrpc } from './http-handler.ts';

const baseUrl = 'https://crosswalk.example.org';

describe('tRPC over HTTP', () => {
  let database: TestDatabase;
  let web: Parameters<typeof answerTrpc>[0];
  let person: TestPerson;
  let cookie: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const { keyring } = await nobody(database);
    const settings = sessionCookie({ baseUrl, masterKeys: [{ id: '1', base64: database.masterKey }] });
    web = { database: database.web, keyring, clock: fixedClock(testNow), baseUrl, cookie: settings };
    person = await makePerson(database);
    const { token, hash } = newToken();
    await database.admin`
      insert into session (id, user_id, token_hash, state, created_at, last_seen_at, expires_at)
      values (${newId()}, ${person.userId}, ${hash}, 'full', ${testNow}, ${testNow}, ${new Date(Date.parse(testNow) + 3_600_000)})`;
    cookie = `${settings.name}=${await sealSessionToken(settings, token)}`;
  });
  afterAll(() => database.drop());

  const rename = (headers: Record<string, string>, body = JSON.stringify(superjson.serialize({ name: 'Renamed' }))) =>
    answerTrpc(
      web,
      new Request(`${baseUrl}/api/trpc/people.renameSelf`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json', origin: baseUrl, ...headers },
        body,
      }),
    );
  const nameNow = async () => (await database.admin`select name from app_user where id = ${person.userId}`)[0]?.name;
  const get = (path: string, headers: Record<string, string> = { cookie }) =>
    answerTrpc(web, new Request(`${baseUrl}/api/trpc/${path}`, { headers }));

  it('lets a page of ours change something, and no other site, form or GET', async () => {
    expect((await rename({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await rename({ 'content-type': 'text/plain' })).status).toBe(403);
    expect((await rename({ origin: '' })).status).toBe(403);
    const input = encodeURIComponent(JSON.stringify(superjson.serialize({ name: 'Renamed' })));
    expect((await get(`people.renameSelf?input=${input}`)).status).toBe(405);
    expect(await nameNow()).toBe(person.name);
    expect((await rename({})).status).toBe(200);
    expect(await nameNow()).toBe('Renamed');
  });

  it('answers with the error of the house and its request id, and nothing to cache', async () => {
    const response = await get('people.listSessions', {});
    expect(response.status).toBe(401);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = await response.json();
    expect(body.error.json.data.crosswalk).toMatchObject({ code: 'not-signed-in', requestId: expect.any(String) });
    expect(JSON.stringify(body)).not.toMatch(/stack|node_modules|\.ts/);
    const wrong = await rename({}, JSON.stringify(superjson.serialize({ name: '' })));
    expect(wrong.status).toBe(400);
  });

  it('gives the request an id of its own, whatever the client says', async () => {
    const mine = newId();
    const body = await (await get('people.listSessions', { 'x-request-id': mine })).json();
    expect(body.error.json.data.crosswalk.requestId).not.toBe(mine);
  });
});
