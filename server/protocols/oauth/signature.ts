import { createHmac } from 'node:crypto';

/** What is signed by OAuth 1.0a (RFC 5849), for whoever signs and whoever checks. */
export type Pair = readonly [name: string, value: string];

/** Methods that OneRoster 1.1 knows, each with its hash. */
export const signatureMethods = { 'HMAC-SHA256': 'sha256', 'HMAC-SHA1': 'sha1' } as const;
export type SignatureMethod = keyof typeof signatureMethods;

export const isSignatureMethod = (text: string | undefined): text is SignatureMethod =>
  text !== undefined && Object.hasOwn(signatureMethods, text);

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

/** RFC 5849 §3.4.2. OneRoster has no token, so its secret is empty. */
export function signature(method: SignatureMethod, base: string, consumerSecret: string, tokenSecret = ''): string {
  const key = `${percentEncode(consumerSecret)}&${percentEncode(tokenSecret)}`;
  return createHmac(signatureMethods[method], key).update(base, 'utf8').digest('base64');
}
