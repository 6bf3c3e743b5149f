/**
 * OAuth 2 client credentials as 1EdTech's Security Framework 1.0 profiles them (RFC 6749 §4.4), per school.
 * A token's scopes are what was asked for, cut to what the school's administrator approved for the client.
 */

import type { Context } from 'hono';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { formOf } from '../lib/forms.ts';
import { opaque, sameSecret, sha256 } from '../lib/secrets.ts';
import type { Env } from '../lib/server.ts';
import type { Store } from '../lib/state.ts';

const purl = (version: string, name: string): string => `https://purl.imsglobal.org/spec/or/${version}/scope/${name}`;

/** Every scope that this SIS knows, of both versions, with what it gives in words. */
export const knownScopes: readonly { uri: string; label: string; people: boolean }[] = [
  { uri: purl('v1p2', 'roster-core.readonly'), label: 'Rostering 1.2: collections and single records', people: true },
  { uri: purl('v1p2', 'roster.readonly'), label: 'Rostering 1.2: all of that and nested collections', people: true },
  { uri: purl('v1p2', 'roster-demographics.readonly'), label: 'Rostering 1.2: demographics', people: true },
  { uri: purl('v1p1', 'roster-core.readonly'), label: 'Rostering 1.1: collections and single records', people: true },
  { uri: purl('v1p1', 'roster.readonly'), label: 'Rostering 1.1: all of that and nested collections', people: true },
  { uri: purl('v1p1', 'roster-demographics.readonly'), label: 'Rostering 1.1: demographics', people: true },
];

export const stateSchema = z.object({
  /** Schools whose demo clients have been made once. */
  schools: z.array(z.string()),
  clients: z.array(
    z.object({
      school: z.string(),
      clientId: z.string(),
      secretHash: z.string(),
      /** What OAuth 1.0a signs with, for which a hash would not do. Absent in state from before. */
      secret: z.string().optional(),
      name: z.string(),
      scopes: z.array(z.string()),
      createdAt: z.string(),
    }),
  ),
  tokens: z.array(
    z.object({
      hash: z.string(),
      school: z.string(),
      clientId: z.string(),
      scopes: z.array(z.string()),
      expiresAt: z.number(),
    }),
  ),
});

export type SisState = z.output<typeof stateSchema>;
export type Client = SisState['clients'][number];
export type Token = SisState['tokens'][number];

/** A new client: its secret is given here and never again. */
export type NewClient = { clientId: string; clientSecret: string };

export type Clients = {
  list(school: string): readonly Client[];
  create(
    school: string,
    options: { name: string; scopes: readonly string[]; clientId?: string; clientSecret?: string },
  ): NewClient;
  approve(school: string, clientId: string, scopes: readonly string[]): boolean;
  /** Deletes a client and ends its tokens. */
  remove(school: string, clientId: string): boolean;
  revokeTokens(school: string): void;
  /** The live token of a bearer, with the scopes still approved for its client. */
  tokenOf(school: string, bearer: string): Token | undefined;
  answer(c: Context<Env>, school: string): Promise<Response>;
};

const LIFETIME_S = 3600;

function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const match = /^Basic\s+([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { id: text.slice(0, colon), secret: text.slice(colon + 1) };
}

/** RFC 6749 §2.3.1 form-encodes both parts of the Basic header; many clients do not. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** The clients and tokens of a SIS. */
export function createClients(store: Store<SisState>, clock: Clock): Clients {
  const find = (school: string, clientId: string): Client | undefined =>
    store.value.clients.find((client) => client.school === school && client.clientId === clientId);
  const isSecretOf = (client: Client, secret: string): boolean =>
    sameSecret(client.secretHash, sha256(secret)) || sameSecret(client.secretHash, sha256(decoded(secret)));

  const known = (scopes: readonly string[]): string[] =>
    knownScopes.map(({ uri }) => uri).filter((uri) => scopes.includes(uri));

  return {
    list: (school) => store.value.clients.filter((client) => client.school === school),
    create: (school, options) => {
      const clientId = options.clientId ?? `reg-${opaque(9)}`;
      const clientSecret = options.clientSecret ?? opaque(24);
      const createdAt = new Date(clock.now()).toISOString();
      store.value.clients = store.value.clients.filter(
        (client) => client.school !== school || client.clientId !== clientId,
      );
      store.value.clients.push({
        school,
        clientId,
        secretHash: sha256(clientSecret),
        secret: clientSecret,
        name: options.name,
        scopes: known(options.scopes),
        createdAt,
      });
      store.save();
      return { clientId, clientSecret };
    },
    approve: (school, clientId, scopes) => {
      const client = find(school, clientId);
      if (client === undefined) return false;
      client.scopes = known(scopes);
      store.save();
      return true;
    },
    remove: (school, clientId) => {
      if (find(school, clientId) === undefined) return false;
      const others = <T extends { school: string; clientId: string }>(entry: T): boolean =>
        entry.school !== school || entry.clientId !== clientId;
      store.value.clients = store.value.clients.filter(others);
      store.value.tokens = store.value.tokens.filter(others);
      store.save();
      return true;
    },
    revokeTokens: (school) => {
      store.value.tokens = store.value.tokens.filter((token) => token.school !== school);
      store.save();
    },
    tokenOf: (school, bearer) => {
      const hash = sha256(bearer);
      const token = store.value.tokens.find((entry) => entry.hash === hash && entry.school === school);
      if (token === undefined || token.expiresAt <= clock.now()) return undefined;
      const client = find(school, token.clientId);
      return client === undefined
        ? undefined
        : { ...token, scopes: token.scopes.filter((scope) => client.scopes.includes(scope)) };
    },
    answer: async (c, school) => {
      c.header('cache-control', 'no-store');
      c.header('pragma', 'no-cache');
      const refuse = (status: 400 | 401, error: string, description: string): Response => {
        if (status === 401) c.header('www-authenticate', 'Basic realm="Registra"');
        return c.json({ error, error_description: description }, status);
      };
      const type = (c.req.header('content-type') ?? '').toLowerCase();
      if (!type.startsWith('application/x-www-form-urlencoded'))
        return refuse(400, 'invalid_request', 'the body must be form-encoded');
      const form = await formOf(c);
      const basic = basicCredentials(c.req.header('authorization'));
      const id = basic?.id ?? form.get('client_id') ?? '';
      const secret = basic?.secret ?? form.get('client_secret') ?? '';
      const client = find(school, id) ?? find(school, decoded(id));
      if (client === undefined || !isSecretOf(client, secret))
        return refuse(401, 'invalid_client', 'client id or secret is wrong');
      c.env.trace.client = client.name;
      if (form.get('grant_type') !== 'client_credentials')
        return refuse(400, 'unsupported_grant_type', 'only client_credentials is supported');
      const asked = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
      const granted = asked.filter((scope, index) => client.scopes.includes(scope) && asked.indexOf(scope) === index);
      if (granted.length === 0)
        return refuse(
          400,
          'invalid_scope',
          asked.length === 0 ? 'name the scopes' : 'none of these scopes is approved for this client',
        );
      const token = opaque();
      store.value.tokens = store.value.tokens.filter(({ expiresAt }) => expiresAt > clock.now());
      store.value.tokens.push({
        hash: sha256(token),
        school,
        clientId: client.clientId,
        scopes: granted,
        expiresAt: clock.now() + LIFETIME_S * 1000,
      });
      store.save();
      return c.json({ access_token: token, token_type: 'bearer', expires_in: LIFETIME_S, scope: granted.join(' ') });
    },
  };
}
