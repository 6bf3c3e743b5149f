/** Signatures of OAuth 1.0a (RFC 5849) as OneRoster 1.1 wants them: HMAC-SHA1 or HMAC-SHA256, a consumer key and secret, no token. */

import { createHmac } from 'node:crypto';

export type SignatureMethod = 'HMAC-SHA1' | 'HMAC-SHA256';
type Pair = readonly [name: string, value: string];

/** Percent-encoding of RFC 5849 §3.6: everything but letters, digits, `-`, `.`, `_` and `~`. */
export const percentEncoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The signature of a request (RFC 5849 §3.4): `oauth` holds the header's parameters but `realm` and `oauth_signature`. */
export function signatureOf(request: {
  method: string;
  url: string;
  oauth: readonly Pair[];
  consumerSecret: string;
  tokenSecret?: string;
  signatureMethod: SignatureMethod;
}): string {
  const url = new URL(request.url);
  const parameters = [...url.searchParams, ...request.oauth]
    .map(([name, value]): Pair => [percentEncoded(name), percentEncoded(value)])
    .sort(([n1, v1], [n2, v2]) => order(n1, n2) || order(v1, v2))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const base = [request.method.toUpperCase(), `${url.origin}${url.pathname}`, parameters].map(percentEncoded).join('&');
  const key = `${percentEncoded(request.consumerSecret)}&${percentEncoded(request.tokenSecret ?? '')}`;
  return createHmac(request.signatureMethod === 'HMAC-SHA1' ? 'sha1' : 'sha256', key)
    .update(base)
    .digest('base64');
}
