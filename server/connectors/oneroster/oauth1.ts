import { randomBytes } from 'node:crypto';
import {
  baseString,
  type Pair,
  percentEncode,
  type SignatureMethod,
  signature,
} from '#server/protocols/oauth/signature.ts';
import type { Authorization, Secret } from './settings.ts';

const methods = {
  'oauth1-hmac-sha256': 'HMAC-SHA256',
  'oauth1-hmac-sha1': 'HMAC-SHA1',
} as const satisfies Record<Exclude<Authorization, 'oauth2'>, SignatureMethod>;
export type Signing = keyof typeof methods;

/** The `Authorization` header of a signed GET without a token (RFC 5849 §3.5.1), its query among what is signed. */
export function signedHeader(
  signing: Signing,
  secret: Secret,
  address: string,
  now: Date,
  nonce = randomBytes(16).toString('hex'),
): string {
  const method = methods[signing];
  const parameters: readonly Pair[] = [
    ['oauth_consumer_key', secret.clientId],
    ['oauth_nonce', nonce],
    ['oauth_signature_method', method],
    ['oauth_timestamp', String(Math.floor(now.getTime() / 1000))],
    ['oauth_version', '1.0'],
  ];
  const signed = signature(method, baseString('GET', address, parameters), secret.clientSecret);
  const shown = [...parameters, ['oauth_signature', signed] as const];
  return `OAuth ${shown.map(([name, value]) => `${percentEncode(name)}="${percentEncode(value)}"`).join(', ')}`;
}
