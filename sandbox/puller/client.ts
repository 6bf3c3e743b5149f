/**
 * An OneRoster client over HTTP: OAuth 2 client credentials or OAuth 1.0a signatures, and reads whose failure is told in words.
 * Source: 1EdTech Security Framework 1.0 (token request), OneRoster 1.2 REST binding (errors, paging, conditional reads).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { percentEncoded, signatureOf } from '../lib/oauth1.ts';
import { opaque } from '../lib/secrets.ts';
import type { Wanted } from './source.ts';

export type TroubleKind = 'ended' | 'forbidden' | 'absent' | 'filter' | 'busy' | 'failed';

/** Why a pull cannot go on, as a sentence for the LMS's administrator. */
export class Trouble extends Error {
  readonly kind: TroubleKind;

  constructor(kind: TroubleKind, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.kind = kind;
  }
}

/** One request that was made, as the administrator sees it; without any secret. */
export type Asked = {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly milliseconds: number;
};

export type Answer = {
  /** False where the server says that nothing changed since `etag` (304). */
  readonly isNew: boolean;
  readonly body: unknown;
  readonly etag: string | null;
  readonly total: number | null;
  /** False where the server sends no Link header at all. */
  readonly isLinked: boolean;
  readonly next: string | null;
};

export type Client = { get(url: string, etag?: string | null): Promise<Answer> };

type Token = { readonly value: string; readonly endsAt: number };
export type TokenShelf = { token: Token | null };

const REQUEST_MS = 60_000;
const LONGEST_WAIT_S = 10;
const TRIES = 4;
const scope = (version: Wanted['version']): string =>
  `https://purl.imsglobal.org/spec/or/${version}/scope/roster-core.readonly`;

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().optional(),
});
const tokenError = z.object({ error: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The address of a relation in a Link header (RFC 8288), made absolute. */
function linkOf(header: string | null, rel: string, from: string): string | null {
  for (const part of (header ?? '').split(/,\s*(?=<)/)) {
    const [, address = ''] = /^\s*<([^>]*)>/.exec(part) ?? [];
    if (new RegExp(`;\\s*rel="?${rel}"?(?:;|\\s|$)`).test(part)) return new URL(address, from).href;
  }
  return null;
}

const totalOf = (header: string | null): number | null =>
  header !== null && /^\d+$/.test(header) ? Number(header) : null;

/** A client for one source. Tokens stay on the shelf between pulls; every request goes through `log`. */
export function createClient(options: {
  source: Wanted;
  clock: Clock;
  shelf: TokenShelf;
  /** True once something was received: a refusal then means that the connection was ended, not that it was entered wrongly. */
  wasConnected: boolean;
  log: (asked: Asked) => void;
}): Client {
  const { source, clock, shelf, log } = options;
  const { origin } = new URL(source.baseUrl);

  const refused = (): Trouble =>
    options.wasConnected
      ? new Trouble('ended', 'The school has ended the connection: its server no longer accepts this client (401).')
      : new Trouble('ended', 'The server does not accept this client (401): look at client id and client secret.');

  const ask = async (url: string, init: RequestInit): Promise<{ response: Response; text: string }> => {
    const started = performance.now();
    const { pathname, search } = new URL(url);
    const say = (status: number): void =>
      log({
        at: new Date(clock.now()).toISOString(),
        method: init.method ?? 'GET',
        path: decodeURIComponent(`${pathname}${search}`),
        status,
        milliseconds: Math.round(performance.now() - started),
      });
    try {
      const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(REQUEST_MS) });
      const text = await response.text();
      say(response.status);
      return { response, text };
    } catch (error) {
      say(0);
      throw new Trouble('failed', `The server at ${new URL(url).host} does not answer.`, { cause: error });
    }
  };

  /** Asks again where the server says that it is busy, as long as it is worth the wait. */
  const patiently = async (once: () => ReturnType<typeof ask>): ReturnType<typeof ask> => {
    for (let tries = 1; ; tries += 1) {
      const reply = await once();
      if (reply.response.status !== 429 && reply.response.status !== 503) return reply;
      const seconds = Number(reply.response.headers.get('retry-after') ?? '1');
      const wait = Number.isFinite(seconds) && seconds >= 0 ? seconds : 1;
      if (tries === TRIES || wait > LONGEST_WAIT_S)
        throw new Trouble('busy', `The server is busy (${reply.response.status}): try again in ${wait} seconds.`);
      await sleep(wait * 1_000, undefined, { ref: false });
    }
  };

  const newToken = async (): Promise<string> => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', scope: scope(source.version) });
    const headers: Record<string, string> = { accept: 'application/json' };
    if (source.authentication === 'body') {
      body.set('client_id', source.clientId);
      body.set('client_secret', source.clientSecret);
    } else {
      // RFC 6749 §2.3.1: both are form-encoded before they are joined.
      const pair = [source.clientId, source.clientSecret].map((part) => encodeURIComponent(part)).join(':');
      headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    const { response, text } = await patiently(() => ask(source.tokenUrl, { method: 'POST', headers, body }));
    const json = jsonOf(text);
    const error = tokenError.safeParse(json).data?.error ?? '';
    if (response.status === 401 || error === 'invalid_client') throw refused();
    if (error === 'invalid_scope' || error === 'unauthorized_client')
      throw new Trouble('forbidden', `The school's server gives this client no roster (${error}).`);
    const answer = tokenAnswer.safeParse(json);
    if (!response.ok || !answer.success)
      throw new Trouble('failed', `The token address answers ${response.status} without a token: look at it.`);
    shelf.token = {
      value: answer.data.access_token,
      // A minute early: a token should not end under way.
      endsAt: clock.now() + ((answer.data.expires_in ?? 3_600) - 60) * 1_000,
    };
    return shelf.token.value;
  };

  const signed = (url: string): string => {
    const oauth: [string, string][] = [
      ['oauth_consumer_key', source.clientId],
      ['oauth_nonce', opaque(16)],
      ['oauth_signature_method', 'HMAC-SHA256'],
      ['oauth_timestamp', String(Math.floor(clock.now() / 1_000))],
      ['oauth_version', '1.0'],
    ];
    const signature = signatureOf({
      method: 'GET',
      url,
      oauth,
      consumerSecret: source.clientSecret,
      signatureMethod: 'HMAC-SHA256',
    });
    const parameters = [...oauth, ['oauth_signature', signature] as const];
    return `OAuth ${parameters.map(([name, value]) => `${name}="${percentEncoded(value)}"`).join(', ')}`;
  };

  const authorization = async (url: string): Promise<string> => {
    if (source.authentication === 'oauth1') return signed(url);
    const { token } = shelf;
    return `Bearer ${token !== null && token.endsAt > clock.now() ? token.value : await newToken()}`;
  };

  const read = async (url: string, etag: string | null): ReturnType<typeof ask> =>
    patiently(async () => {
      const headers: Record<string, string> = { accept: 'application/json', authorization: await authorization(url) };
      if (etag !== null) headers['if-none-match'] = etag;
      return ask(url, { headers });
    });

  return {
    get: async (url, etag = null) => {
      if (new URL(url).origin !== origin)
        throw new Trouble('failed', 'The server says that its next page lies elsewhere; nothing is asked there.');
      let { response, text } = await read(url, etag);
      if (response.status === 401 && source.authentication !== 'oauth1' && shelf.token !== null) {
        // A token can end before its time; one that is new and refused again says that the client is.
        shelf.token = null;
        ({ response, text } = await read(url, etag));
      }
      const { status, headers } = response;
      const paging = {
        etag: headers.get('etag'),
        total: totalOf(headers.get('x-total-count')),
        isLinked: headers.has('link'),
        next: linkOf(headers.get('link'), 'next', url),
      };
      if (status === 304) return { isNew: false, body: undefined, ...paging };
      if (status === 401) throw refused();
      if (status === 403) throw new Trouble('forbidden', 'The school does not share this (403).');
      if (status === 404) throw new Trouble('absent', `The server knows no ${new URL(url).pathname} (404).`);
      if (status === 400) throw new Trouble('filter', 'The server does not understand the question (400).');
      if (status !== 200) throw new Trouble('failed', `The server cannot answer (${status}): try again later.`);
      const body = jsonOf(text);
      if (body === undefined)
        throw new Trouble('failed', 'What answers at the base address is no OneRoster server: look at the address.');
      return { isNew: true, body, ...paging };
    },
  };
}
