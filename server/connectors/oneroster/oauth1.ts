import { createHmac, randomBytes } from 'node:crypto';
import type { Authorization, Secret } from './settings.ts';

export type Pair = readonly [name: string, value: string];

/** RFC 3986 unreserved characters alone stay as they are (RFC 5849 §3.6). */
export const percentEncode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** Signature base string (RFC 5849 §3.4.1): method, address without its query, and all parameters in order. */
export function baseString(method: string, address: string, parameters: readonly Pair[]): string {
  const url = new URL(address);
  const pairs = [...url.searchParams, ...parameters]
    .map(([name, value]) => [percentEncode(name), percentEncode(value)] as const)
    // By the bytes of the encoded names, then values: encoded text is ASCII, so code units are bytes.
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : x > y ? 1 : 0) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  // `URL` lowers scheme and host and drops a default port, as §3.4.1.2 wants it.
  return [method.toUpperCase(), `${url.origin}${url.pathname}`, pairs.join('&')].map(percentEncode).join('&');
}

const methods = {
  'oauth1-hmac-sha256': { name: 'HMAC-SHA256', hash: 'sha256' },
  'oauth1-hmac-sha1': { name: 'HMAC-SHA1', hash: 'sha1' },
} as const;
export type Signing = Exclude<Authorization, 'oauth2'>;

/** RFC 5849 §3.4.2. OneRoster has no token, so its secret is empty. */
export function signature(signing: Signing, base: string, consumerSecret: string, tokenSecret = ''): string {
  const key = `${percentEncode(consumerSecret)}&${percentEncode(tokenSecret)}`;
  return createHmac(methods[signing].hash, key).update(base, 'utf8').digest('base64');
}

/** The `Authorization` header of a signed GET without a token (RFC 5849 §3.5.1), its query among what is signed. */
export function signedHeader(
  signing: Signing,
  secret: Secret,
  address: string,
  now: Date,
  nonce = randomBytes(16).toString('hex'),
): string {
  const parameters: readonly Pair[] = [
    ['oauth_consumer_key', secret.clientId],
    ['oauth_nonce', nonce],
    ['oauth_signature_method', methods[signing].name],
    ['oauth_timestamp', String(Math.floor(now.getTime() / 1000))],
    ['oauth_version', '1.0'],
  ];
  const signed = signature(signing, baseString('GET', address, parameters), secret.clientSecret);
  const shown = [...parameters, ['oauth_signature', signed] as const];
  return `OAuth ${shown.map(([name, value]) => `${percentEncode(name)}="${percentEncode(value)}"`).join(', ')}`;
}
