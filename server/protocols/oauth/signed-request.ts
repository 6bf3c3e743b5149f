import { timingSafeEqual } from 'node:crypto';
import { baseString, isSignatureMethod, type Pair, type SignatureMethod, signature } from './signature.ts';

/** A call that is signed by OAuth 1.0a without a token (RFC 5849 §3.1), as OneRoster 1.1 uses it. */
export interface SignedRequest {
  readonly consumerKey: string;
  readonly nonce: string;
  readonly timestamp: Date;
  readonly method: SignatureMethod;
  readonly signature: string;
  /** What of the header is signed: all but realm and the signature itself. */
  readonly parameters: readonly Pair[];
}

/** How far a signer's clock may be off. */
const toleranceMilliseconds = 5 * 60 * 1000;

/** Reads an `Authorization: OAuth …` header; null where it is none, or lacks or doubles what must be there once. */
export function readSignedRequest(authorization: string): SignedRequest | null {
  const rest = /^oauth +(.+)$/is.exec(authorization)?.[1];
  if (rest === undefined) return null;
  const all: Pair[] = [];
  for (const part of rest.split(',')) {
    const [, name, value] = /^\s*([^=\s]+)="([^"]*)"\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) return null;
    try {
      all.push([decodeURIComponent(name), decodeURIComponent(value)]);
    } catch {
      return null;
    }
  }
  const parameters = all.filter(([name]) => name.toLowerCase() !== 'realm');
  const found = new Map(parameters);
  if (found.size !== parameters.length) return null;
  const [consumerKey, nonce, given] = ['oauth_consumer_key', 'oauth_nonce', 'oauth_signature'].map((n) => found.get(n));
  const method = found.get('oauth_signature_method');
  const timestamp = found.get('oauth_timestamp') ?? '';
  if (!consumerKey || !nonce || nonce.length > 500 || !given || !isSignatureMethod(method)) return null;
  if (!/^\d{1,12}$/.test(timestamp) || (found.get('oauth_version') ?? '1.0') !== '1.0') return null;
  if ((found.get('oauth_token') ?? '') !== '') return null;
  return {
    consumerKey,
    nonce,
    timestamp: new Date(Number(timestamp) * 1000),
    method,
    signature: given,
    parameters: parameters.filter(([name]) => name !== 'oauth_signature'),
  };
}

/** When a nonce of that moment would be refused for its age; null where its moment is too far from now already. */
export function nonceExpiry({ timestamp }: SignedRequest, now: Date): Date | null {
  if (Math.abs(timestamp.getTime() - now.getTime()) > toleranceMilliseconds) return null;
  return new Date(timestamp.getTime() + toleranceMilliseconds);
}

/** Whether the signature is of this call, addressed so, under this secret. */
export function isSignedWith(
  signed: SignedRequest,
  call: { readonly method: string; readonly url: string; readonly form?: URLSearchParams },
  secret: string,
): boolean {
  const base = baseString(call.method, call.url, [...signed.parameters, ...(call.form ?? [])]);
  const expected = Buffer.from(signature(signed.method, base, secret));
  const given = Buffer.from(signed.signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
