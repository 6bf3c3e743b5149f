import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** An opaque value that nobody can guess. */
export const opaque = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** SHA-256 as base64url, which is also PKCE's S256 (RFC 7636 §4.2). */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** Compares two secrets without telling how much of them agrees. */
export function sameSecret(left: string, right: string): boolean {
  return timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest());
}
