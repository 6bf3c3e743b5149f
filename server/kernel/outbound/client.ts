import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Agent, type Dispatcher, request as undiciRequest } from 'undici';
import type { z } from 'zod';
import { CrosswalkError, type ErrorCode, isCrosswalkError } from '../errors.ts';
import { type Logger, silentLogger } from '../log.ts';
import { type ConnectOptions, connectForSsh, createConnector, type Resolve, resolveBySystem } from './connect.ts';
import { explainFailure } from './failure.ts';
import {
  type AllowEntry,
  addressRefused,
  type OutboundPolicy,
  originOf,
  parseSshTarget,
  parseTarget,
  type Target,
} from './target.ts';

export { type AllowEntry, assertSameOrigin, originOf, parseAllowList } from './target.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface OutboundRequest {
  readonly url: string | URL;
  readonly method?: Method;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, bytes, or a body of known length that is read while it is sent; `content-type` is the caller's. */
  readonly body?: string | Uint8Array | StreamedBody;
  /** For everything, from the name's resolution to the last byte. Default 30 s. */
  readonly timeoutMs?: number;
  /** Of the decoded body; the encoded one is held to it too. Default 16 MiB. */
  readonly maxBytes?: number;
  /**
   * `refuse` (default): a redirect is an error. `follow-checked`: up to five, each address checked as the first was; on
   * another origin the headers of the request stay behind, and a body is not sent again.
   */
  readonly redirect?: 'follow-checked' | 'refuse';
  /** The origin that the credential is good for; any other, by address or redirect, is refused before it is asked. */
  readonly expectOrigin?: string;
  readonly signal?: AbortSignal;
}

/** A body that is never held whole. `stream` is called anew whenever it is to be sent again. */
export interface StreamedBody {
  readonly bytes: number;
  stream(): AsyncIterable<Uint8Array>;
}

/** An answer whose body has not been read. Read it, stream it to its end or `discard` it: the deadline ends what is left. */
export interface OutboundResponse {
  readonly status: number;
  /** Names in lower case; several of one name are joined by ", ", but `set-cookie` is left out. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where it came from in the end, after redirects. */
  readonly url: string;
  text(): Promise<string>;
  bytes(): Promise<Uint8Array>;
  /** @throws CrosswalkError `foreign-answer-unreadable` where it is not JSON or not of this shape; nothing of it is quoted. */
  json<S extends z.ZodType>(schema: S): Promise<z.infer<S>>;
  /** Decoded bytes as they come, held to `maxBytes` and the deadline. */
  stream(): AsyncIterable<Uint8Array>;
  discard(): void;
}

/** What was asked and what came of it, for a call log: no query, no header, no body. */
export interface OutboundCall {
  readonly method: Method;
  readonly origin: string;
  readonly path: string;
  readonly status: number | null;
  readonly milliseconds: number;
  readonly errorCode: ErrorCode | null;
}

export interface OutboundClient {
  /**
   * @throws CrosswalkError `address-refused`, `host-unknown`, `connection-failed`, `tls-failed`, `timed-out`,
   *   `answer-too-large`, `foreign-answer-unreadable`; the reason of `signal` where that ended it. An HTTP status is never an error here.
   */
  request(request: OutboundRequest): Promise<OutboundResponse>;
  /** Whether an address may be asked at all, without asking the network: for a form. @throws `address-refused` */
  check(url: string | URL): URL;
  /**
   * A connection to a server of SSH under the same rules; the port is 22 or one that a request might use.
   * @throws CrosswalkError as `request`
   */
  connectSsh(server: SshServer): Promise<Socket>;
  /** `check` for such a server. @throws `address-refused` */
  checkSsh(server: SshServer): void;
  close(): Promise<void>;
}

export interface SshServer {
  readonly host: string;
  readonly port: number;
}

export interface OutboundClientOptions {
  readonly mode: 'demo' | 'production';
  /** `environment.outboundAllow`. */
  readonly allow?: readonly AllowEntry[];
  readonly log?: Logger;
  readonly onCall?: (call: OutboundCall) => void;
  readonly userAgent?: string;
  readonly connectTimeoutMs?: number;
  /** Until the head of the answer, and between two pieces of its body. */
  readonly idleTimeoutMs?: number;
  readonly resolve?: Resolve;
  readonly certificateAuthorities?: readonly string[];
}

const maxRedirects = 5;
const defaultMaxBytes = 16 * 1024 * 1024;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** What may follow to another origin; everything else could be a credential. */
const harmlessHeaders = new Set(['accept', 'accept-language']);
/** Set by us or by the protocol. */
const ownHeaders = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'expect',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'proxy-authorization',
]);

/**
 * The only way to an address that a person typed or a foreign system gave (DESIGN.md §10 (4)): public https; loopback in
 * demo mode; what `OUTBOUND_ALLOW` lists. Resolved addresses are checked at connect time and used as checked; redirects
 * are checked again; time and size are bounded in every phase.
 */
export function createOutboundClient(options: OutboundClientOptions): OutboundClient {
  const policy: OutboundPolicy = { mode: options.mode, allow: options.allow ?? [] };
  const log = options.log ?? silentLogger;
  const connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
  const idleTimeoutMs = options.idleTimeoutMs ?? 20_000;
  const connecting: ConnectOptions = {
    policy,
    resolve: options.resolve ?? resolveBySystem,
    timeoutMs: connectTimeoutMs,
    certificateAuthorities: options.certificateAuthorities,
  };
  const agent = new Agent({
    connect: createConnector(connecting),
    headersTimeout: idleTimeoutMs,
    bodyTimeout: idleTimeoutMs,
    maxHeaderSize: 32 * 1024,
    pipelining: 1,
    connections: 16,
  });
  const userAgent = options.userAgent ?? 'Crosswalk';

  async function request(asked: OutboundRequest): Promise<OutboundResponse> {
    const method = asked.method ?? 'GET';
    const started = performance.now();
    let target: Target | null = null;
    const report = (status: number | null, errorCode: ErrorCode | null) => {
      if (target === null) return;
      const milliseconds = Math.round(performance.now() - started);
      log.debug('outbound call', {
        host: target.url.host,
        method,
        milliseconds,
        ...(status === null ? {} : { status }),
        ...(errorCode === null ? {} : { code: errorCode }),
      });
      options.onCall?.({
        method,
        origin: target.url.origin,
        path: target.url.pathname,
        status,
        milliseconds,
        errorCode,
      });
    };
    try {
      target = parseTarget(asked.url, policy);
      const deadline = startDeadline(asked.timeoutMs ?? 30_000, asked.signal);
      try {
        const answer = await follow(asked, target, method, deadline, (next) => {
          target = next;
        });
        report(answer.status, null);
        return answer;
      } catch (error) {
        deadline.end();
        throw deadline.explain(error, target.hostname);
      }
    } catch (error) {
      report(null, isCrosswalkError(error) ? error.code : null);
      throw error;
    }
  }

  async function follow(
    asked: OutboundRequest,
    first: Target,
    firstMethod: Method,
    deadline: Deadline,
    onHop: (target: Target) => void,
  ): Promise<OutboundResponse> {
    let target = first;
    let method = firstMethod;
    let headers = callerHeaders(asked.headers ?? {});
    let body = asked.body;
    for (let hops = 0; ; hops += 1) {
      if (asked.expectOrigin !== undefined && target.url.origin !== originOf(asked.expectOrigin)) {
        throw addressRefused('other-origin', target.hostname);
      }
      const answer = await deadline.hold(
        undiciRequest(target.url, {
          dispatcher: agent,
          method,
          headers: { 'user-agent': userAgent, ...headers, ...lengthOf(body), 'accept-encoding': 'gzip, br' },
          body: sendable(body),
          signal: deadline.signal,
        }),
      );
      const location = single(answer.headers.location);
      if (!redirectStatuses.has(answer.statusCode) || location === null) {
        return respond(answer, { target, method, maxBytes: asked.maxBytes ?? defaultMaxBytes, deadline });
      }
      discardBody(answer.body);
      if (asked.redirect !== 'follow-checked') throw addressRefused('redirected', target.hostname);
      if (hops >= maxRedirects) throw addressRefused('redirected-too-often', target.hostname);
      const next = parseTarget(URL.parse(location, target.url) ?? '', policy);
      if (target.url.protocol === 'https:' && next.url.protocol === 'http:') {
        throw addressRefused('redirected-to-plain-http', next.hostname);
      }
      // Fetch standard §4.4 (HTTP-redirect fetch), steps 12 to 14.
      if ((answer.statusCode === 303 && method !== 'HEAD') || (answer.statusCode < 303 && method === 'POST')) {
        method = 'GET';
        body = undefined;
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('content-')));
      }
      if (next.url.origin !== target.url.origin) {
        // What would be sent again may hold a token (Moodle's stands in the body).
        if (body !== undefined || (method !== 'GET' && method !== 'HEAD'))
          throw addressRefused('redirected-elsewhere', next.hostname);
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmlessHeaders.has(name)));
      }
      target = next;
      onHop(target);
    }
  }

  async function connectSsh({ host, port }: SshServer): Promise<Socket> {
    try {
      return await connectForSsh(host, port, connecting);
    } catch (error) {
      throw explainFailure(error, host);
    }
  }

  return {
    request,
    check: (url) => parseTarget(url, policy).url,
    checkSsh: ({ host, port }) => void parseSshTarget(host, port, policy),
    connectSsh,
    close: () => agent.destroy(),
  };
}

function callerHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const key = name.toLowerCase();
    if (ownHeaders.has(key))
      throw new CrosswalkError('internal', { details: { problem: 'header-not-the-callers', header: key } });
    headers[key] = value;
  }
  return headers;
}

const isStreamed = (body: OutboundRequest['body']): body is StreamedBody =>
  typeof body === 'object' && !(body instanceof Uint8Array);
const lengthOf = (body: OutboundRequest['body']): Record<string, string> =>
  isStreamed(body) ? { 'content-length': String(body.bytes) } : {};
const sendable = (body: OutboundRequest['body']): string | Uint8Array | Readable | null =>
  isStreamed(body) ? Readable.from(body.stream(), { objectMode: false }) : (body ?? null);

const single = (value: string | string[] | undefined): string | null =>
  Array.isArray(value) ? (value[0] ?? null) : (value ?? null);

/** One deadline over all phases; it also hears the caller's signal. */
interface Deadline {
  readonly signal: AbortSignal;
  /** Ends the waiting at the deadline even where undici goes on: it hears its signal only once it is connected. */
  hold(answer: Promise<Dispatcher.ResponseData>): Promise<Dispatcher.ResponseData>;
  end(): void;
  explain(error: unknown, host: string): unknown;
}

function startDeadline(timeoutMs: number, callersSignal: AbortSignal | undefined): Deadline {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(), timeoutMs);
  const signal = callersSignal === undefined ? own.signal : AbortSignal.any([own.signal, callersSignal]);
  return {
    signal,
    hold: (answer) =>
      new Promise((resolve, reject) => {
        const giveUp = () => {
          reject(signal.reason);
          answer.then((late) => discardBody(late.body)).catch(() => undefined);
        };
        if (signal.aborted) {
          giveUp();
          return;
        }
        signal.addEventListener('abort', giveUp, { once: true });
        answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
      }),
    end: () => clearTimeout(timer),
    explain: (error, host) => {
      if (callersSignal?.aborted === true) return callersSignal.reason;
      if (own.signal.aborted) return new CrosswalkError('timed-out', { details: { host, reason: 'deadline' } });
      return explainFailure(error, host);
    },
  };
}

/** Ends a body that nobody will read; the connection with it, since an endless one cannot be read out. */
function discardBody(body: Readable): void {
  body.on('error', () => undefined);
  body.destroy();
}

interface Answered {
  readonly target: Target;
  readonly method: Method;
  readonly maxBytes: number;
  readonly deadline: Deadline;
}

function respond(answer: Dispatcher.ResponseData, { target, method, maxBytes, deadline }: Answered): OutboundResponse {
  const host = target.hostname;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined && name !== 'set-cookie') headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const tooLarge = () => new CrosswalkError('answer-too-large', { details: { host, maxBytes } });
  // RFC 9110 §6.4.1: these have no content, whatever their headers promise.
  const empty = method === 'HEAD' || answer.statusCode === 204 || answer.statusCode === 304;
  if (!empty && Number(headers['content-length'] ?? 0) > maxBytes) {
    discardBody(answer.body);
    throw tooLarge();
  }
  const decoded = decode(answer.body, empty ? '' : (headers['content-encoding'] ?? ''), host);
  const abort = () => answer.body.destroy(new Error('deadline'));
  deadline.signal.addEventListener('abort', abort, { once: true });
  const end = () => {
    deadline.end();
    deadline.signal.removeEventListener('abort', abort);
    discardBody(answer.body);
  };
  let taken = false;

  async function* stream(): AsyncGenerator<Uint8Array> {
    if (taken) throw new CrosswalkError('internal', { details: { problem: 'answer-read-twice' } });
    taken = true;
    let received = 0;
    try {
      for await (const chunk of decoded) {
        received += chunk.length;
        if (received > maxBytes) throw tooLarge();
        yield chunk;
      }
    } catch (error) {
      throw deadline.explain(error, host);
    } finally {
      end();
    }
  }

  async function bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream()) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async function text(): Promise<string> {
    // A byte order mark is no part of the text (Encoding standard, "UTF-8 decode"); some SISs send one before JSON.
    return new TextDecoder('utf-8').decode(await bytes());
  }

  return {
    status: answer.statusCode,
    headers,
    url: target.url.href,
    text,
    bytes,
    stream,
    json: async (schema) => {
      const mediaType = /^[\w.+-]+\/[\w.+-]+/.exec(headers['content-type'] ?? '')?.[0] ?? 'none';
      const unreadable = (problem: string, fields: readonly string[] = []) =>
        new CrosswalkError('foreign-answer-unreadable', {
          details: { host, problem, mediaType, status: answer.statusCode, fields },
        });
      const value = parseJson(await text());
      if (value === notJson) throw unreadable('not-json');
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      throw unreadable('another-shape', fieldsOf(parsed.error.issues));
    },
    discard: end,
  };
}

const notJson = Symbol('not JSON');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the body.
    return notJson;
  }
}

/** Paths of at most five issues; keys that are no plain identifiers (a record keyed by a person) are left out. */
function fieldsOf(issues: readonly { readonly path: readonly PropertyKey[] }[]): string[] {
  const plain = (part: PropertyKey) =>
    typeof part === 'number' ? '[]' : /^[A-Za-z_]{1,40}$/.test(String(part)) ? String(part) : '*';
  return [...new Set(issues.slice(0, 50).map((issue) => issue.path.map(plain).join('.')))].slice(0, 5);
}

/** At most one coding: nested ones serve nobody but a bomb. What it grows to is counted by the reader. */
function decode(body: Readable, encoding: string, host: string): AsyncIterable<Uint8Array> {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decoder =
    name === 'gzip' || name === 'x-gzip'
      ? createGunzip()
      : name === 'deflate'
        ? createInflate()
        : name === 'br'
          ? createBrotliDecompress()
          : null;
  if (decoder === null) {
    discardBody(body);
    throw new CrosswalkError('foreign-answer-unreadable', { details: { host, problem: 'content-encoding' } });
  }
  // Without a listener an error of an answer that nobody reads would end the process.
  decoder.on('error', () => undefined);
  body.on('error', (error) => decoder.destroy(error));
  return unlessEmpty(body.pipe(decoder));
}

/** An empty body is empty, though no gzip stream is: proxies announce a coding and send nothing. */
async function* unlessEmpty(decoder: Readable & { readonly bytesWritten: number }): AsyncGenerator<Uint8Array> {
  try {
    yield* decoder;
  } catch (error) {
    if (decoder.bytesWritten === 0 && error instanceof Error && 'code' in error && error.code === 'Z_BUF_ERROR') return;
    throw error;
  }
}
