import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '#db/testing/test-database.ts';
import { newToken } from '#server/features/people/session-token.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { newId } from '#server/kernel/ids.ts';
import { seal } from '#server/kernel/sealed.ts';
import { baseString, percentEncode } from '#server/protocols/oauth/signature.ts';
import { contextOf, testNow } from '#server/testing/actors.ts';
import { answerTokenRequest } from './answer-token-request.ts';
import { authenticateCall } from './authenticate-call.ts';
import { placeOfClientSecret } from './client-secret.ts';
import { type LiveConsumer, makeLiveConsumer } from './testing/live-consumer.ts';

const scope = (version: 'v1p1' | 'v1p2', name: string) => `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`;
const core = scope('v1p2', 'roster-core.readonly');
const demographics = scope('v1p2', 'roster-demographics.readonly');

describe('the token endpoint', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  const ctx = (at = testNow) => contextOf(database, { kind: 'anonymous' }, { clock: fixedClock(at) });
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  let networks = 0;
  const ask = async (
    form: Record<string, string> | [string, string][],
    { authorization, type, network, at }: { authorization?: string; type?: string; network?: string; at?: string } = {},
  ) => {
    const headers = new Headers({ 'content-type': type ?? 'application/x-www-form-urlencoded' });
    networks += 1;
    headers.set('x-forwarded-for', network ?? `10.9.${networks >> 8}.${networks & 255}`);
    if (authorization !== undefined) headers.set('authorization', authorization);
    const body = new URLSearchParams(form).toString();
    const response = await answerTokenRequest(
      await ctx(at),
      new Request('http://localhost/oauth/token', { method: 'POST', headers, body }),
    );
    const answer: Record<string, string | number> = await response.json();
    return { status: response.status, headers: response.headers, answer };
  };
  const grant = { grant_type: 'client_credentials' };
  const ofClient = (live: LiveConsumer) => ({ authorization: basic(live.clientId, live.clientSecret) });
  const call = async (token: string | number | undefined, path = '/ims/oneroster/rostering/v1p2/users') =>
    authenticateCall(await ctx(), { method: 'GET', url: `http://localhost${path}`, authorization: `Bearer ${token}` });

  it('gives a client of either way of sending its secret an opaque token that opens its grant for an hour', async () => {
    const live = await makeLiveConsumer(database);
    const byHeader = await ask({ ...grant, scope: `${core} ${demographics} unknown` }, ofClient(live));
    expect(byHeader).toMatchObject({
      status: 200,
      answer: { token_type: 'Bearer', expires_in: 3600, scope: core },
    });
    expect(byHeader.headers.get('cache-control')).toBe('no-store');
    expect(await call(byHeader.answer.access_token)).toMatchObject({ grantId: live.grantId, wireScopes: [core] });
    const { answer } = await ask({ ...grant, client_id: live.clientId, client_secret: live.clientSecret });
    expect(answer.scope).toBe(
      [
        core,
        scope('v1p2', 'roster.readonly'),
        scope('v1p1', 'roster-core.readonly'),
        scope('v1p1', 'roster.readonly'),
      ].join(' '),
    );
    const [kept] = await database.admin`select count(*)::int as n from audit_entry
      where school_id = ${live.schoolId} and action = 'consumer.token-issued'`;
    expect(kept).toEqual({ n: 2 });
    expect(JSON.stringify(await database.admin`select * from access_token`)).not.toContain(answer.access_token);
  });

  it('opens demographics only where the token was asked for them and the grant has them', async () => {
    const live = await makeLiveConsumer(database, { scopes: ['roster.students', 'roster.demographics'] });
    const narrow = await ask({ ...grant, scope: core }, ofClient(live));
    expect((await call(narrow.answer.access_token)).scopes).toEqual(['roster.students']);
    const wide = await ask({ ...grant, scope: `${core} ${demographics}` }, ofClient(live));
    expect((await call(wide.answer.access_token)).scopes).toEqual(['roster.students', 'roster.demographics']);
  });

  it('refuses as RFC 6749 says, and an unknown client, a wrong secret and a revoked client alike', async () => {
    const live = await makeLiveConsumer(database);
    const refused = async (status: number, error: string, ...asked: Parameters<typeof ask>) =>
      expect(await ask(...asked)).toMatchObject({ status, answer: { error } });
    const mine = ofClient(live);
    await refused(400, 'invalid_request', grant, { ...mine, type: 'application/json' });
    await refused(400, 'invalid_request', { scope: core }, mine);
    await refused(400, 'invalid_request', [...Object.entries(grant), ['scope', core], ['scope', core]], mine);
    await refused(400, 'invalid_request', { ...grant, client_id: live.clientId, client_secret: 'x' }, mine);
    await refused(400, 'unsupported_grant_type', { grant_type: 'password' }, mine);
    await refused(400, 'invalid_scope', { ...grant, scope: demographics }, mine);
    await refused(400, 'invalid_scope', { ...grant, scope: 'a"b' }, mine);
    await refused(401, 'invalid_client', grant);
    const other = await makeLiveConsumer(database);
    const answers = [
      await ask(grant, { authorization: basic(live.clientId, `${live.clientSecret}x`) }),
      await ask(grant, { authorization: basic(live.clientId, other.clientSecret) }),
      await ask(grant, { authorization: basic('nobody', live.clientSecret) }),
    ];
    await database.admin`update consumer_client set revoked_at = ${testNow} where id = ${live.consumerClientId}`;
    answers.push(await ask(grant, mine));
    for (const { status, answer, headers } of answers) {
      expect([status, answer, headers.get('www-authenticate')]).toEqual([
        401,
        answers[0]?.answer,
        'Basic realm="Crosswalk", charset="UTF-8"',
      ]);
    }
  });

  it('gives nothing before approval, while paused or after the end, and says which', async () => {
    const live = await makeLiveConsumer(database);
    const says = async (state: string) => {
      await database.admin`update connection set state = ${state} where id = ${live.connectionId}`;
      const { status, answer } = await ask(grant, ofClient(live));
      return [status, answer.error, answer.error_description];
    };
    expect(await says('requested')).toEqual([
      400,
      'unauthorized_client',
      'The school has not approved this connection yet.',
    ]);
    expect(await says('paused')).toEqual([400, 'unauthorized_client', 'This connection is paused.']);
    expect(await says('revoked')).toEqual([400, 'unauthorized_client', 'The school has ended this connection.']);
  });

  it('lets nobody guess: each try waits longer, from that network alone', async () => {
    const live = await makeLiveConsumer(database);
    const network = '10.8.0.1';
    const wrong = { authorization: basic(live.clientId, 'wrong'), network };
    for (let n = 0; n < 20; n += 1) await ask(grant, wrong);
    const { status, answer, headers } = await ask(grant, wrong);
    expect([status, answer.error, headers.get('retry-after')]).toEqual([429, 'temporarily_unavailable', '1']);
    expect((await ask(grant, { ...ofClient(live), network })).status).toBe(429);
    expect((await ask(grant, ofClient(live))).status).toBe(200);
  });

  it('gives a client no more than thirty tokens a minute', async () => {
    const live = await makeLiveConsumer(database);
    for (let n = 0; n < 29; n += 1) await ask(grant, ofClient(live));
    expect((await ask(grant, ofClient(live))).answer).toMatchObject({ error: 'temporarily_unavailable' });
    expect((await ask(grant, { ...ofClient(live), at: '2026-03-02T09:01:01.000Z' })).status).toBe(200);
  });

  it('ends a token with the secret that bought it', async () => {
    const live = await makeLiveConsumer(database);
    const { answer } = await ask(grant, ofClient(live));
    await call(answer.access_token);
    await database.admin`update consumer_secret set ends_at = ${testNow} where consumer_client_id = ${live.consumerClientId}`;
    await expect(call(answer.access_token)).rejects.toMatchObject({ code: 'token-refused' });
    expect((await ask(grant, ofClient(live))).status).toBe(401);
  });

  it('takes a client’s signed assertion once, for this endpoint, while it is fresh', async () => {
    const live = await makeLiveConsumer(database);
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = JSON.parse(JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256' }] }));
    await database.admin`update consumer_client set jwks = ${database.admin.json(jwks)} where id = ${live.consumerClientId}`;
    const now = Date.parse(testNow) / 1000;
    const { baseUrl } = await ctx();
    const sign = (more: Record<string, unknown> = {}, key = privateKey) =>
      new SignJWT({
        iss: live.clientId,
        sub: live.clientId,
        aud: `${baseUrl}/oauth/token`,
        jti: newId(),
        exp: now + 300,
        ...more,
      })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(key);
    const send = async (assertion: string) =>
      ask({
        ...grant,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      });
    const good = await sign();
    const { answer } = await send(good);
    expect(await call(answer.access_token)).toMatchObject({ grantId: live.grantId });
    const refused = [
      good,
      await sign({ aud: 'https://elsewhere.example/oauth/token' }),
      await sign({ exp: now - 120 }),
      await sign({ exp: now + 7200 }),
      await sign({ exp: undefined }),
      await sign({ jti: undefined }),
      await sign({ iss: 'another' }),
      await sign({}, (await generateKeyPair('ES256')).privateKey),
      `${good.split('.').slice(0, 2).join('.')}.`,
    ];
    for (const assertion of refused) expect((await send(assertion)).answer.error).toBe('invalid_client');
  });

  it('reads the keys at the address of a JWK set as they stand now, and takes nobody at his word where it cannot', async () => {
    const live = await makeLiveConsumer(database);
    const pair = async (kid: string) => {
      const { publicKey, privateKey } = await generateKeyPair('ES256');
      return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
    };
    const [first, second] = [await pair('a'), await pair('b')];
    let served: { status: number; body: string; location?: string } = { status: 200, body: '' };
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      const { status, body, location } = served;
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(location === undefined ? {} : { location }),
      });
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/keys.json`;
    try {
      await database.admin`update consumer_client set jwks_url = ${url} where id = ${live.consumerClientId}`;
      const { baseUrl } = await ctx();
      const send = async ({ kid, privateKey }: typeof first) =>
        ask({
          ...grant,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await new SignJWT({
            iss: live.clientId,
            sub: live.clientId,
            aud: `${baseUrl}/oauth/token`,
            jti: newId(),
            exp: Date.parse(testNow) / 1000 + 300,
          })
            .setProtectedHeader({ alg: 'ES256', kid })
            .sign(privateKey),
        });
      const keys = (...pairs: (typeof first)[]) => JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });
      served = { status: 200, body: keys(first, second) };
      expect(await call((await send(first)).answer.access_token)).toMatchObject({ grantId: live.grantId });
      expect(asked).toEqual(['/keys.json']);
      // A key that its owner took out of the set opens nothing from then on; the one that came opens.
      served = { status: 200, body: keys(second) };
      expect((await send(first)).answer.error).toBe('invalid_client');
      expect((await send(second)).status).toBe(200);
      const useless = [
        { status: 500, body: keys(second) },
        { status: 200, body: '<html>' },
        { status: 200, body: '{"keys":[]}' },
        { status: 200, body: `{"keys":[],"filler":"${'x'.repeat(300_000)}"}` },
        { status: 302, body: '', location: 'http://169.254.169.254/latest/meta-data' },
      ];
      for (const answer of useless) {
        served = answer;
        expect(await send(second), JSON.stringify(answer).slice(0, 60)).toMatchObject({
          status: 401,
          answer: { error: 'invalid_client' },
        });
      }
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('answers calls to 1.1 that are signed by OAuth 1.0a, where the school allows it, each once and in time', async () => {
    const live = await makeLiveConsumer(database);
    const secret = newToken();
    const secretId = newId();
    const { keyring, baseUrl } = await ctx();
    const sealed = { ...seal(keyring, secret.token, placeOfClientSecret(live.schoolId, secretId)) };
    await database.admin`
      insert into consumer_secret (id, school_id, consumer_client_id, hash, hint, sealed)
      values (${secretId}, ${live.schoolId}, ${live.consumerClientId}, ${secret.hash}, 'x', ${database.admin.json(sealed)})`;
    const now = Math.floor(Date.parse(testNow) / 1000);
    const path = "/ims/oneroster/v1p1/users?filter=role%3D'student'&limit=5";
    const header = (
      more: Record<string, string> = {},
      { key = secret.token, signedPath = path }: { key?: string; signedPath?: string } = {},
    ) => {
      const parameters: [string, string][] = Object.entries({
        oauth_consumer_key: live.clientId,
        oauth_nonce: newId(),
        oauth_signature_method: 'HMAC-SHA256',
        oauth_timestamp: String(now),
        oauth_version: '1.0',
        ...more,
      });
      const base = baseString('GET', `${baseUrl}${signedPath}`, parameters);
      const signed = createHmac('sha256', `${percentEncode(key)}&`)
        .update(base)
        .digest('base64');
      const shown: [string, string][] = [['realm', 'x'], ...parameters, ['oauth_signature', signed]];
      return `OAuth ${shown.map(([name, value]) => `${name}="${percentEncode(value)}"`).join(', ')}`;
    };
    // Inside a proxy the process is addressed otherwise: what is signed is the public address.
    const signedCall = async (authorization: string, at = path) =>
      authenticateCall(await ctx(), { method: 'GET', url: `http://10.0.0.7:3000${at}`, authorization });
    const refused = (authorization: string, at = path) =>
      expect(signedCall(authorization, at)).rejects.toMatchObject({ code: 'token-refused' });
    await refused(header());
    await database.admin`update consumer_client set signed_calls = true where id = ${live.consumerClientId}`;
    const good = header();
    expect(await signedCall(good)).toMatchObject({
      grantId: live.grantId,
      wireScopes: [core, expect.any(String), expect.any(String), expect.any(String)],
    });
    await refused(good);
    // `users/` is sent on to `users`; the client follows with the signature that it has.
    const followed = header({}, { signedPath: path.replace('users?', 'users/?') });
    expect(await signedCall(followed)).toMatchObject({ grantId: live.grantId });
    await refused(header({ oauth_timestamp: String(now - 400) }));
    await refused(header({}, { key: live.clientSecret }));
    await refused(header(), path.replace('limit=5', 'limit=6'));
    const newer = '/ims/oneroster/rostering/v1p2/users';
    await refused(header({}, { signedPath: newer }), newer);
    await expect(signedCall(header({ oauth_signature_method: 'PLAINTEXT' }))).rejects.toMatchObject({
      code: 'token-missing',
    });
    await database.admin`update connection set state = 'paused' where id = ${live.connectionId}`;
    await refused(header());
  });
});
