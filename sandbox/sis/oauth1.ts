/**
 * OAuth 1.0a as some OneRoster 1.1 servers still want it: each request signed with HMAC-SHA1 or HMAC-SHA256, a consumer key and
 * secret, no token (RFC 5849; query parameters belong to the base string, §3.4.1.3).
 */

import type { Clock } from '../lib/clock.ts';
import { signatureOf } from '../lib/oauth1.ts';
import { sameSecret, sha256 } from '../lib/secrets.ts';
import type { Client, Clients } from './oauth.ts';

/** Why a request is refused, in the words of OAuth's problem reporting. */
export type Problem =
  | 'parameter_absent'
  | 'parameter_rejected'
  | 'signature_method_rejected'
  | 'consumer_key_unknown'
  | 'timestamp_refused'
  | 'nonce_used'
  | 'signature_invalid';

function parametersOf(header: string): Map<string, string> | null {
  const parameters = new Map<string, string>();
  for (const part of header.replace(/^OAuth\s+/i, '').split(',')) {
    const match = /^\s*([^=\s]+)\s*=\s*"([^"]*)"\s*$/.exec(part);
    const [, name = '', value = ''] = match ?? [];
    if (match === null || parameters.has(name)) return null;
    try {
      parameters.set(decodeURIComponent(name), decodeURIComponent(value));
    } catch (error) {
      if (error instanceof URIError) return null;
      throw error;
    }
  }
  return parameters;
}

const WINDOW_S = 300;

/** Checks signed requests of one SIS; remembers the nonces of the last minutes (RFC 5849 §3.3). */
export type Signatures = {
  check(school: string, request: { method: string; url: string; authorization: string }): Client | Problem;
};

export function createSignatures(clients: Clients, clock: Clock): Signatures {
  const seen = new Map<string, number>();
  return {
    check: (school, { method, url, authorization }) => {
      const given = parametersOf(authorization);
      if (given === null) return 'parameter_rejected';
      const key = given.get('oauth_consumer_key');
      const signatureMethod = given.get('oauth_signature_method');
      const timestamp = given.get('oauth_timestamp');
      const nonce = given.get('oauth_nonce');
      const signature = given.get('oauth_signature');
      if ([key, signatureMethod, timestamp, nonce, signature].some((value) => value === undefined || value === ''))
        return 'parameter_absent';
      if (signatureMethod !== 'HMAC-SHA1' && signatureMethod !== 'HMAC-SHA256') return 'signature_method_rejected';
      if ((given.get('oauth_version') ?? '1.0') !== '1.0' || (given.get('oauth_token') ?? '') !== '')
        return 'parameter_rejected';
      const client = clients.list(school).find(({ clientId }) => clientId === key);
      if (client?.secret === undefined) return 'consumer_key_unknown';
      const now = Math.floor(clock.now() / 1000);
      if (!/^\d+$/.test(timestamp ?? '') || Math.abs(Number(timestamp) - now) > WINDOW_S) return 'timestamp_refused';
      const wanted = signatureOf({
        method,
        url,
        oauth: [...given].filter(([name]) => name !== 'oauth_signature' && name !== 'realm'),
        consumerSecret: client.secret,
        signatureMethod,
      });
      if (!sameSecret(sha256(wanted), sha256(signature ?? ''))) return 'signature_invalid';
      for (const [known, at] of seen) if (Math.abs(at - now) > WINDOW_S) seen.delete(known);
      const use = JSON.stringify([school, key, timestamp, nonce]);
      if (seen.has(use)) return 'nonce_used';
      seen.set(use, Number(timestamp));
      return client;
    },
  };
}
