import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SignatureMethod } from '../lib/oauth1.ts';
import { signatureOf } from '../lib/oauth1.ts';
import { ask } from '../testing/http.ts';
import type { RunningSis, SisSchool } from './server.ts';
import { startSis } from './server.ts';

test('signs the example of RFC 5849 §1.2 as the RFC does', () => {
  expect(
    signatureOf({
      method: 'GET',
      url: 'http://photos.example.net/photos?file=vacation.jpg&size=original',
      oauth: [
        ['oauth_consumer_key', 'dpf43f3p2l4k3l03'],
        ['oauth_token', 'nnch734d00sl2jdk'],
        ['oauth_signature_method', 'HMAC-SHA1'],
        ['oauth_timestamp', '137131202'],
        ['oauth_nonce', 'chapoH'],
      ],
      consumerSecret: 'kd94hf93k423kf44',
      tokenSecret: 'pfkkdhi9sl3r4s00',
      signatureMethod: 'HMAC-SHA1',
    }),
  ).toBe('MdpQcU8iPSUjWoN/UDMsK2sui9I=');
});

let sis: RunningSis;
let school: SisSchool;

beforeAll(async () => {
  sis = await startSis({ schools: ['waterkant', 'lindenhof'] });
  school = sis.school('waterkant');
});
afterAll(() => sis.close());
beforeEach(() => sis.set('waterkant', { v1p1Authentication: 'oauth1' }));

type Signing = {
  method?: SignatureMethod | 'PLAINTEXT';
  timestamp?: number;
  nonce?: string;
  secret?: string;
  key?: string;
  /** The address that is signed, where it is not the one asked. */
  signed?: string;
};

function authorization(url: string, signing: Signing = {}): Record<string, string> {
  const { method = 'HMAC-SHA256', timestamp = Math.floor(sis.clock.now() / 1000), nonce = randomUUID() } = signing;
  const oauth: [string, string][] = [
    ['oauth_consumer_key', signing.key ?? school.client.clientId],
    ['oauth_signature_method', method],
    ['oauth_timestamp', String(timestamp)],
    ['oauth_nonce', nonce],
    ['oauth_version', '1.0'],
  ];
  const signature = signatureOf({
    method: 'GET',
    url: signing.signed ?? url,
    oauth,
    consumerSecret: signing.secret ?? school.client.clientSecret,
    signatureMethod: method === 'PLAINTEXT' ? 'HMAC-SHA1' : method,
  });
  const parts = [...oauth, ['oauth_signature', signature]].map(
    ([name, value]) => `${name}="${encodeURIComponent(value ?? '')}"`,
  );
  return { authorization: `OAuth realm="x", ${parts.join(', ')}` };
}

const query = `?limit=7&offset=0&filter=${encodeURIComponent("familyName~'o' AND status='active'")}&sort=sourcedId`;

test.each(['HMAC-SHA1', 'HMAC-SHA256'] as const)('%s opens 1.1, query parameters signed with it', async (method) => {
  const url = `${school.baseV1p1}/users${query}`;
  const reply = await ask(url, { headers: authorization(url, { method }) });
  expect(reply.status).toBe(200);
  expect(sis.requests('waterkant').at(-1)).toMatchObject({ client: 'Crosswalk', rows: 7 });
});

test.each<[string, Signing, string]>([
  ['a wrong secret', { secret: 'wrong' }, 'signature_invalid'],
  ['another client', { key: 'nobody' }, 'consumer_key_unknown'],
  ['a clock ten minutes off', { timestamp: Math.floor(Date.now() / 1000) - 600 }, 'timestamp_refused'],
  ['plain text', { method: 'PLAINTEXT' }, 'signature_method_rejected'],
])('refuses %s', async (_what, signing, problem) => {
  const url = `${school.baseV1p1}/orgs`;
  const reply = await ask(url, { headers: authorization(url, signing) });
  expect(reply.status).toBe(401);
  expect(reply.headers.get('www-authenticate')).toBe(`OAuth realm="Registra", oauth_problem="${problem}"`);
  expect(reply.body).toMatchObject({ statusInfoSet: [{ imsx_codeMinor: 'unauthorized', imsx_description: problem }] });
});

test('a query that was not signed, and a nonce twice, are refused', async () => {
  const url = `${school.baseV1p1}/orgs?limit=2`;
  const other = await ask(url, { headers: authorization(url, { signed: `${school.baseV1p1}/orgs` }) });
  expect(other.headers.get('www-authenticate')).toContain('signature_invalid');
  const headers = authorization(url);
  expect((await ask(url, { headers })).status).toBe(200);
  const again = await ask(url, { headers });
  expect(again.headers.get('www-authenticate')).toContain('nonce_used');
});

test('the approved scopes of the client bound what it may read', async () => {
  const { clientId, clientSecret } = school.narrowClient;
  const url = `${school.baseV1p1}/demographics`;
  const reply = await ask(url, { headers: authorization(url, { key: clientId, secret: clientSecret }) });
  expect(reply.status).toBe(403);
});

test('is for 1.1 of a school that wants it: a token opens nothing there, a signature nothing elsewhere', async () => {
  const stray = await ask(`${school.baseV1p1}/orgs`, { headers: { authorization: 'Bearer x' } });
  expect(stray.headers.get('www-authenticate')).toBe('OAuth realm="Registra"');
  const v1p2 = `${school.baseV1p2}/orgs`;
  expect((await ask(v1p2, { headers: authorization(v1p2) })).status).toBe(401);
  sis.set('waterkant', { v1p1Authentication: 'oauth2' });
  const v1p1 = `${school.baseV1p1}/orgs`;
  expect((await ask(v1p1, { headers: authorization(v1p1) })).headers.get('www-authenticate')).toContain('Bearer');
  sis.set('waterkant', { v1p1Authentication: 'either' });
  expect((await ask(v1p1, { headers: authorization(v1p1) })).status).toBe(200);
});
