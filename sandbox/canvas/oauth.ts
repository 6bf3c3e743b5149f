/**
 * Canvas's OAuth 2: developer keys, authorization codes (with PKCE S256 where switched on), one-hour access tokens and
 * refresh tokens that stay the same. Source: Canvas LMS developer documentation, "OAuth2" and "OAuth2 endpoints".
 */

import { z } from 'zod';
import { draw } from '../generator/prng.ts';
import type { Clock } from '../lib/clock.ts';
import { opaque, sameSecret, sha256 } from '../lib/secrets.ts';
import type { Store } from '../lib/state.ts';

export const stateSchema = z.object({
  school: z.string(),
  keys: z.array(
    z.object({
      id: z.string(),
      secret: z.string(),
      name: z.string(),
      redirectUris: z.array(z.string()),
      enforceScopes: z.boolean(),
      /** Whether `include[]` counts although scopes are enforced. */
      allowIncludes: z.boolean().default(false),
      scopes: z.array(z.string()),
      createdAt: z.string(),
    }),
  ),
  tokens: z.array(
    z.object({
      id: z.string(),
      keyId: z.string(),
      userId: z.string(),
      accessHash: z.string(),
      refreshHash: z.string(),
      /** Null for a key that does not enforce scopes: everything the user may do. */
      scopes: z.array(z.string()).nullable(),
      expiresAt: z.number(),
    }),
  ),
});

export type CanvasState = z.output<typeof stateSchema>;
export type DeveloperKey = CanvasState['keys'][number];
export type AccessToken = CanvasState['tokens'][number];

type Code = {
  keyId: string;
  userId: string;
  redirectUri: string;
  scopes: readonly string[] | null;
  challenge: string | null;
  expiresAt: number;
};

export type TokenAnswer =
  | { ok: true; accessToken: string; refreshToken: string | null; userId: string; expiresIn: number }
  | { ok: false; status: 400 | 401; error: string; description: string };

export type NewKey = {
  name: string;
  redirectUris: readonly string[];
  scopes: readonly string[];
  enforceScopes: boolean;
  allowIncludes?: boolean;
  id?: string;
  secret?: string;
};

export type CanvasOAuth = {
  keys(): readonly DeveloperKey[];
  key(id: string): DeveloperKey | undefined;
  createKey(wanted: NewKey): DeveloperKey;
  /** Changes what a key allows; tokens with a scope that it no longer has end. */
  updateKey(
    id: string,
    change: {
      redirectUris: readonly string[];
      scopes: readonly string[];
      enforceScopes: boolean;
      allowIncludes?: boolean;
    },
  ): boolean;
  /** Deletes a key; its tokens end. */
  deleteKey(id: string): boolean;
  issueCode(code: Omit<Code, 'expiresAt'>): string;
  exchange(fields: URLSearchParams, usesPkce: boolean): TokenAnswer;
  /** Makes a token without a consent, for a seeded demo or a test. */
  mint(keyId: string, userId: string): { accessToken: string; refreshToken: string };
  tokenOf(bearer: string): AccessToken | undefined;
  revoke(bearer: string): boolean;
  revokeAll(): void;
  /** True if the user has let this key in before. */
  hasConsent(keyId: string, userId: string): boolean;
};

const LIFETIME_S = 3600;
const CODE_LIFETIME_MS = 600_000;

/** The keys, codes and tokens of one Canvas. */
export function createOAuth(store: Store<CanvasState>, clock: Clock): CanvasOAuth {
  const codes = new Map<string, Code>();
  const find = (id: string): DeveloperKey | undefined => store.value.keys.find((key) => key.id === id);
  const refuse = (status: 400 | 401, error: string, description: string): TokenAnswer => ({
    ok: false,
    status,
    error,
    description,
  });

  const issue = (
    keyId: string,
    userId: string,
    scopes: readonly string[] | null,
  ): { accessToken: string; refreshToken: string } => {
    const accessToken = `${draw(keyId, 9000) + 1000}~${opaque(48)}`;
    const refreshToken = `${draw(keyId, 9000) + 1000}~${opaque(48)}`;
    store.value.tokens.push({
      id: opaque(9),
      keyId,
      userId,
      accessHash: sha256(accessToken),
      refreshHash: sha256(refreshToken),
      scopes: scopes === null ? null : [...scopes],
      expiresAt: clock.now() + LIFETIME_S * 1000,
    });
    store.save();
    return { accessToken, refreshToken };
  };

  const redeem = (key: DeveloperKey, fields: URLSearchParams, usesPkce: boolean): TokenAnswer => {
    const text = fields.get('code') ?? '';
    const code = codes.get(text);
    codes.delete(text);
    if (code === undefined || code.expiresAt <= clock.now())
      return refuse(400, 'invalid_grant', 'authorization_code not found');
    if (code.keyId !== key.id) return refuse(400, 'invalid_grant', 'incorrect client');
    if ((fields.get('redirect_uri') ?? '') !== code.redirectUri)
      return refuse(400, 'invalid_grant', 'redirect_uri does not match');
    const verifier = fields.get('code_verifier');
    const challenge = usesPkce ? code.challenge : null;
    if (challenge === null && verifier !== null) return refuse(400, 'invalid_grant', 'code_verifier was not expected');
    if (challenge !== null && (verifier === null || sha256(verifier) !== challenge))
      return refuse(400, 'invalid_grant', 'code_verifier does not match');
    if (fields.get('replace_tokens') === '1') {
      store.value.tokens = store.value.tokens.filter((token) => token.keyId !== key.id || token.userId !== code.userId);
    }
    return { ok: true, ...issue(key.id, code.userId, code.scopes), userId: code.userId, expiresIn: LIFETIME_S };
  };

  const refresh = (key: DeveloperKey, fields: URLSearchParams): TokenAnswer => {
    const hash = sha256(fields.get('refresh_token') ?? '');
    const token = store.value.tokens.find((entry) => entry.refreshHash === hash && entry.keyId === key.id);
    if (token === undefined) return refuse(400, 'invalid_grant', 'refresh_token not found');
    // The same record gets a new access token: the one before it is dead from here on.
    const accessToken = `${draw(key.id, 9000) + 1000}~${opaque(48)}`;
    token.accessHash = sha256(accessToken);
    token.expiresAt = clock.now() + LIFETIME_S * 1000;
    store.save();
    return { ok: true, accessToken, refreshToken: null, userId: token.userId, expiresIn: LIFETIME_S };
  };

  return {
    keys: () => store.value.keys,
    key: find,
    createKey: (wanted) => {
      const key: DeveloperKey = {
        id: wanted.id ?? String(170_000_000_000_100 + draw(opaque(), 899_999_999)),
        secret: wanted.secret ?? opaque(48),
        name: wanted.name,
        redirectUris: [...wanted.redirectUris],
        enforceScopes: wanted.enforceScopes,
        allowIncludes: wanted.allowIncludes ?? false,
        scopes: [...wanted.scopes],
        createdAt: new Date(clock.now()).toISOString(),
      };
      store.value.keys = store.value.keys.filter(({ id }) => id !== key.id);
      store.value.keys.push(key);
      store.save();
      return key;
    },
    updateKey: (id, change) => {
      const key = find(id);
      if (key === undefined) return false;
      key.redirectUris = [...change.redirectUris];
      key.scopes = [...change.scopes];
      key.enforceScopes = change.enforceScopes;
      key.allowIncludes = change.allowIncludes ?? key.allowIncludes;
      const lacks = (token: AccessToken): boolean =>
        token.scopes === null || token.scopes.some((scope) => !key.scopes.includes(scope));
      if (key.enforceScopes)
        store.value.tokens = store.value.tokens.filter((token) => token.keyId !== id || !lacks(token));
      store.save();
      return true;
    },
    deleteKey: (id) => {
      if (find(id) === undefined) return false;
      store.value.keys = store.value.keys.filter((key) => key.id !== id);
      store.value.tokens = store.value.tokens.filter((token) => token.keyId !== id);
      store.save();
      return true;
    },
    issueCode: (code) => {
      const text = opaque(48);
      codes.set(text, { ...code, expiresAt: clock.now() + CODE_LIFETIME_MS });
      return text;
    },
    exchange: (fields, usesPkce) => {
      const key = find(fields.get('client_id') ?? '');
      if (key === undefined) return refuse(401, 'invalid_client', 'unknown client');
      if (!sameSecret(key.secret, fields.get('client_secret') ?? ''))
        return refuse(401, 'invalid_client', 'invalid client');
      switch (fields.get('grant_type') ?? 'authorization_code') {
        case 'authorization_code':
          return redeem(key, fields, usesPkce);
        case 'refresh_token':
          return refresh(key, fields);
        default:
          return refuse(400, 'unsupported_grant_type', 'The grant_type you requested is not currently supported');
      }
    },
    mint: (keyId, userId) => {
      const key = find(keyId);
      if (key === undefined) throw new RangeError(`there is no developer key ${keyId}`);
      return issue(keyId, userId, key.enforceScopes ? key.scopes : null);
    },
    tokenOf: (bearer) => {
      const hash = sha256(bearer);
      const token = store.value.tokens.find((entry) => entry.accessHash === hash);
      return token === undefined || token.expiresAt <= clock.now() ? undefined : token;
    },
    revoke: (bearer) => {
      const hash = sha256(bearer);
      const before = store.value.tokens.length;
      store.value.tokens = store.value.tokens.filter((token) => token.accessHash !== hash);
      store.save();
      return store.value.tokens.length < before;
    },
    revokeAll: () => {
      store.value.tokens = [];
      store.save();
    },
    hasConsent: (keyId, userId) => store.value.tokens.some((token) => token.keyId === keyId && token.userId === userId),
  };
}
