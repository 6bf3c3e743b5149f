import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { canonicalJson } from '#server/kernel/canonical-json.ts';
import { signatureHolds, signatureToleranceMs, signBody } from './signature.ts';

const key = `signkey-prod-${'0a'.repeat(32)}`;
const other = `signkey-prod-${'0b'.repeat(32)}`;
const now = new Date('2026-11-20T10:00:00Z');

test('a signature is the one of the protocol: HMAC-SHA256 of body and time, keyed by the key text without its prefix', () => {
  const signed = signBody(key, '{"a":1}', now);
  // printf '%s' '{"a":1}1795168800' | openssl dgst -sha256 -hmac 0a0a…0a
  expect(signed).toBe('t=1795168800&s=0afb7da46f73b92376896ce650d1daaeeae58a3a4029e63e545ae8fd1012f8ad');
  expect(signBody(key.replace('signkey-prod-', ''), '{"a":1}', now)).toBe(signed);
});

test('it holds for the body in any spelling of the same JSON, and for no other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (body, changed) => {
      fc.pre(JSON.stringify(body) !== JSON.stringify(changed));
      const canonical = canonicalJson(z.json().parse(body));
      const canonicalOfChanged = canonicalJson(z.json().parse(changed));
      const signed = signBody(key, canonical, now);
      expect(signatureHolds(signed, JSON.stringify(body, null, 2), [key], now)).toBe(true);
      expect(signatureHolds(signed, JSON.stringify(changed), [key], now)).toBe(canonical === canonicalOfChanged);
    }),
  );
});

test('it holds with any of the keys in use and with no other', () => {
  expect(signatureHolds(signBody(other, '', now), '', [key, other], now)).toBe(true);
  expect(signatureHolds(signBody(other, '', now), '', [key], now)).toBe(false);
});

test('it holds for five minutes, whichever clock is ahead', () => {
  const at = (milliseconds: number) =>
    signatureHolds(signBody(key, '', new Date(now.getTime() + milliseconds)), '', [key], now);
  expect([at(-signatureToleranceMs), at(signatureToleranceMs)]).toEqual([true, true]);
  expect([at(-signatureToleranceMs - 1_000), at(signatureToleranceMs + 1_000)]).toEqual([false, false]);
});

test.each([null, '', 't=1', 's=00', 't=1&s=', 't=NaN&s=00', 't=99999999999999999999&s=00', 'junk'])(
  'a header that is none holds for nothing: %j',
  (header) => {
    expect(signatureHolds(header, '', [key], now)).toBe(false);
  },
);

test('a body that is no JSON is never signed', () => {
  expect(signatureHolds(signBody(key, '{', now), '{', [key], now)).toBe(false);
});
