import { describe, expect, it } from 'vitest';
import { deviceKnows, deviceOfRequest, rememberDevice } from './known-device.ts';
import { readSessionToken, sealSessionToken, sessionCookie } from './session-token.ts';

const env = (baseUrl: string, ...keys: string[]) => ({
  baseUrl,
  masterKeys: keys.map((key, index) => ({ id: String(index), base64: Buffer.alloc(32, key).toString('base64') })),
});
const cookie = sessionCookie(env('https://crosswalk.example.org', 'a'));
const withCookie = (name: string, value: string) => new Headers({ cookie: `other=1; ${name}=${value}; more=2` });

describe('where a request comes from', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24', '203.0.113.77'],
    ['::ffff:203.0.113.77', '203.0.113.0/24', '203.0.113.77'],
    ['2001:db8:aaaa:bbbb:1:2:3:4', '2001:db8:aaaa::/48', '2001:db8:aaaa:bbbb::/64'],
    ['2001:0DB8::1', '2001:db8:0::/48', '2001:db8:0:0::/64'],
    ['10.1.1.1, 203.0.113.77', '203.0.113.0/24', '203.0.113.77'],
    ['127.0.0.1', null, '127.0.0.1'],
    ['nonsense', null, 'unknown'],
  ])('reads %s', async (forwarded, network, networkKey) => {
    expect(await deviceOfRequest(cookie, new Headers({ 'x-forwarded-for': forwarded }))).toMatchObject({
      network,
      networkKey,
    });
  });

  it('knows a device again for the addresses that signed in there, and for no others', async () => {
    const stranger = await deviceOfRequest(cookie, new Headers());
    const value = await rememberDevice(cookie, stranger, 'petra@school.example');
    const again = await deviceOfRequest(cookie, withCookie('__Host-crosswalk-device', value));
    expect([deviceKnows(again, 'petra@school.example'), deviceKnows(again, 'tom@school.example')]).toEqual([
      true,
      false,
    ]);
    const forged = await deviceOfRequest(cookie, withCookie('__Host-crosswalk-device', `${value}x`));
    expect(forged.known).toBeNull();
  });
});

describe('the session cookie', () => {
  it('carries the token, opens under an older master key, and not under another or another name', async () => {
    const older = sessionCookie(env('https://crosswalk.example.org', 'b'));
    const sealed = await sealSessionToken(older, 'token');
    const rotated = sessionCookie(env('https://crosswalk.example.org', 'a', 'b'));
    expect(sealed).not.toContain('token');
    expect(await readSessionToken(rotated, withCookie(rotated.name, sealed))).toBe('token');
    expect(await readSessionToken(cookie, withCookie(cookie.name, sealed))).toBeNull();
    expect(await readSessionToken(rotated, withCookie('crosswalk-session', sealed))).toBeNull();
    expect(await readSessionToken(rotated, new Headers())).toBeNull();
  });

  it('is a __Host- cookie wherever people come over https', () => {
    expect(sessionCookie(env('https://x.example', 'a'))).toMatchObject({
      name: '__Host-crosswalk-session',
      secure: true,
    });
    expect(sessionCookie(env('http://localhost:3000', 'a'))).toMatchObject({
      name: 'crosswalk-session',
      secure: false,
    });
  });
});
