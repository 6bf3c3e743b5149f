import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { decode, encode } from 'next-auth/jwt';
import type { Environment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';

/** How the session cookie is named, sealed and sent. */
export interface SessionCookie {
  readonly name: string;
  /** Of the master keys, the newest first: a cookie sealed under an older one still opens. */
  readonly secrets: readonly [string, ...string[]];
  readonly secure: boolean;
}

/** Idle time after which a session is over. */
export const sessionIdleMilliseconds = 8 * 60 * 60 * 1000;
/** Time after which a session is over however busy. */
export const sessionAbsoluteMilliseconds = 7 * 24 * 60 * 60 * 1000;
/** Time that the second factor, or its set-up, may take after the password. */
export const halfSessionMilliseconds = 30 * 60 * 1000;

/**
 * The cookie's facts for this installation. `__Host-` (RFC 6265bis §4.1.3.2) wherever people come over https: no
 * sibling domain can plant one. The secret derives from the master key, so that every web process has the same.
 */
export function sessionCookie(env: Pick<Environment, 'baseUrl' | 'masterKeys'>): SessionCookie {
  const secure = env.baseUrl.startsWith('https:');
  const [first, ...others] = env.masterKeys.map((key) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(key.base64, 'base64'), '', 'crosswalk session cookie 1', 32)).toString(
      'base64url',
    ),
  );
  if (first === undefined) throw new CrosswalkError('misconfigured', { details: { problem: 'master-key-missing' } });
  return { name: secure ? '__Host-crosswalk-session' : 'crosswalk-session', secrets: [first, ...others], secure };
}

/** A new opaque token (256 bits) and what the database keeps of it. */
export function newToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashToken(token) };
}

/** A token of 256 random bits needs no slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** The cookie's value: a JWE (Auth.js's form) that carries the opaque token and nothing else. */
export function sealSessionToken(cookie: SessionCookie, token: string): Promise<string> {
  return encode({
    token: { sid: token },
    secret: [...cookie.secrets],
    salt: cookie.name,
    maxAge: sessionAbsoluteMilliseconds / 1000,
  });
}

/** The opaque token of a request's cookie; null where there is none or it does not open. */
export async function readSessionToken(cookie: SessionCookie, headers: Headers): Promise<string | null> {
  const value = readCookie(headers, cookie.name);
  if (value === null) return null;
  try {
    const payload = await decode({ token: value, secret: [...cookie.secrets], salt: cookie.name });
    return typeof payload?.sid === 'string' ? payload.sid : null;
  } catch {
    // Forged, expired or of another installation: all the same as none.
    return null;
  }
}

/** One cookie of a request's `cookie` header (RFC 6265 §5.4). */
export function readCookie(headers: Headers, name: string): string | null {
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
