import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '#server/kernel/canonical-json.ts';

/** How far a signature's time may be from ours, in milliseconds (SDK protocol §2). */
export const signatureToleranceMs = 5 * 60_000;

const keyText = (signingKey: string) => signingKey.replace(/^signkey-[\w]+-/, '');

const mac = (signingKey: string, body: string, seconds: string) =>
  createHmac('sha256', keyText(signingKey)).update(body).update(seconds).digest('hex');

/** The value of `X-Inngest-Signature` for a body, empty or canonical JSON, that is sent at `now`. */
export function signBody(signingKey: string, body: string, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1_000).toString();
  return `t=${seconds}&s=${mac(signingKey, body, seconds)}`;
}

/** The body in the spelling that an Inngest server signs (RFC 8785), or null where it is not JSON. */
function canonicalBody(body: string): string | null {
  try {
    return canonicalJson(z.json().parse(JSON.parse(body)));
  } catch {
    return null;
  }
}

function equal(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * True if the header signs this body with one of the keys, at a time within five minutes of `now` (SDK protocol §2). What is
 * signed is the canonical spelling of the body, or nothing where there is none.
 */
export function signatureHolds(
  header: string | null,
  body: string,
  signingKeys: readonly string[],
  now: Date,
): boolean {
  const parameters = new URLSearchParams(header ?? '');
  const seconds = parameters.get('t') ?? '';
  const given = parameters.get('s') ?? '';
  if (!/^\d{1,12}$/.test(seconds) || !/^[0-9a-f]{64}$/.test(given)) return false;
  if (Math.abs(now.getTime() - Number(seconds) * 1_000) > signatureToleranceMs) return false;
  const signed = body === '' ? '' : canonicalBody(body);
  return signed !== null && signingKeys.some((key) => equal(given, mac(key, signed, seconds)));
}
