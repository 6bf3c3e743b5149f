import { Secret, TOTP } from 'otpauth';
import { describe, expect, it } from 'vitest';
import { totpStep, totpUri } from './second-factor.ts';

// RFC 6238 appendix B: the ASCII secret "12345678901234567890" with SHA-1, here its last six digits.
const secret = Secret.fromUTF8('12345678901234567890').base32;

describe('TOTP', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('knows the code of RFC 6238 at %d s', (seconds, code) => {
    expect(totpStep(secret, code, new Date(seconds * 1000))).toBe(Math.floor(seconds / 30));
  });

  it('allows a clock that is one step off, not two', () => {
    const now = new Date(1_234_567_890_000);
    const codeAt = (steps: number) =>
      new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now.getTime() + steps * 30_000 });
    for (const steps of [-1, 0, 1]) expect(totpStep(secret, codeAt(steps), now)).not.toBeNull();
    for (const steps of [-2, 2]) expect(totpStep(secret, codeAt(steps), now)).toBeNull();
  });

  it('refuses what is no code', () => {
    for (const code of ['', '12345', '1234567', 'abcdef']) expect(totpStep(secret, code, new Date(59_000))).toBeNull();
  });

  it('makes an address that authenticator apps read', () => {
    const uri = new URL(totpUri(secret, 'petra@school.example'));
    expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
    expect(decodeURIComponent(uri.pathname)).toBe('/Crosswalk:petra@school.example');
    expect(uri.searchParams.get('secret')).toBe(secret);
  });
});
