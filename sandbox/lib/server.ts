/** Real HTTP on 127.0.0.1, with the faults of a program done to its answers on their way out. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { z } from 'zod';
import { prngFor } from '../generator/prng.ts';
import type { Clock } from './clock.ts';
import type { Fault, Faults } from './faults.ts';
import { retryAfterHeader } from './faults.ts';
import type { RequestLog, Trace } from './log.ts';
import { withoutSecrets } from './log.ts';

/** What Hono handlers of the sandbox find in `c.env`. */
export type Env = { Bindings: { trace: Trace } };

export type PlainAnswer = { status: number; headers: Record<string, string>; body: string };

/** One page of a paged request, so that a fault can answer with another page than the one asked for. */
export type Page = { shift(pages: number): URL | null; clamp(limit: number): URL; first: boolean };

/** What the faults must know of a protocol. */
export type Protocol = {
  /** Requests that faults without a path meet. */
  isProtocol(url: URL): boolean;
  isToken(url: URL): boolean;
  page(url: URL): Page | null;
  totalHeader: string;
  rateLimited(url: URL, status: number): PlainAnswer;
  unauthorized(url: URL): PlainAnswer;
  serverError(url: URL, status: number): PlainAnswer;
  /** An error that comes with a status of success, where the protocol knows such. */
  errorInside?(url: URL): PlainAnswer;
  /** What a request asks to be done, where its body names it. */
  operation?(request: Request): Promise<string>;
  /** Makes the tokens of the addressed school invalid, for good. */
  revokeTokens(url: URL): void;
};

export type ServerOptions = {
  port: number;
  clock: Clock;
  log: RequestLog;
  faults: Faults;
  protocol: Protocol;
  app: (request: Request, env: Env['Bindings']) => Response | Promise<Response>;
};

export type RunningServer = { url: string; port: number; close(): Promise<void> };

type Answer = { status: number; headers: Headers; body: Uint8Array };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function answerOf(plain: PlainAnswer): Answer {
  return { status: plain.status, headers: new Headers(plain.headers), body: encoder.encode(plain.body) };
}

async function ask(options: ServerOptions, request: Request, trace: Trace): Promise<Answer> {
  const response = await options.app(request, { trace });
  return { status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) };
}

function has<K extends Fault['kind']>(faults: readonly Fault[], kind: K): Extract<Fault, { kind: K }> | undefined {
  return faults.find((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);
}

const loginPage = `<!doctype html><html lang="en"><head><title>Sign in</title></head><body><h1>Sign in</h1><p>Your session has ended.</p></body></html>`;

function refusal(faults: readonly Fault[], url: URL, options: ServerOptions): Answer | null {
  const { protocol, clock } = options;
  if (has(faults, 'revoked-token') !== undefined) protocol.revokeTokens(url);
  if (has(faults, 'expired-token') !== undefined) return answerOf(protocol.unauthorized(url));
  const limited = has(faults, 'rate-limit');
  if (limited !== undefined) {
    const answer = answerOf(protocol.rateLimited(url, limited.status));
    for (const name of ['retry-after']) answer.headers.delete(name);
    for (const [name, value] of Object.entries(retryAfterHeader(limited.retryAfter, limited.seconds, clock.now())))
      answer.headers.set(name, value);
    return answer;
  }
  const broken = has(faults, 'server-error');
  if (broken !== undefined) {
    const answer = answerOf(protocol.serverError(url, broken.status));
    for (const [name, value] of Object.entries(retryAfterHeader(broken.retryAfter, broken.seconds, clock.now())))
      answer.headers.set(name, value);
    return answer;
  }
  if (has(faults, 'error-inside') !== undefined && protocol.errorInside !== undefined)
    return answerOf(protocol.errorInside(url));
  const html = has(faults, 'html');
  if (html !== undefined) {
    const type = html.lying ? 'application/json' : 'text/html; charset=utf-8';
    return answerOf({ status: 200, headers: { 'content-type': type }, body: loginPage });
  }
  return null;
}

const at = (request: Request, url: URL): Request =>
  new Request(url, { method: request.method, headers: request.headers });

/** Asks the program, but for another page than the client did where a fault says so. */
async function paged(
  faults: readonly Fault[],
  request: Request,
  options: ServerOptions,
  trace: Trace,
): Promise<Answer> {
  if (request.method !== 'GET') return ask(options, request, trace);
  let asked = request;
  const clamp = has(faults, 'clamped-limit');
  if (clamp !== undefined) {
    const url = options.protocol.page(new URL(asked.url))?.clamp(clamp.max);
    if (url !== undefined) asked = at(request, url);
  }
  const page = options.protocol.page(new URL(asked.url));
  if (page === null) return ask(options, asked, trace);
  if (has(faults, 'missing-page') !== undefined) {
    const url = page.shift(1);
    return ask(options, url === null ? asked : at(request, url), trace);
  }
  const own = await ask(options, asked, trace);
  const otherUrl =
    has(faults, 'duplicate-page') !== undefined
      ? page.shift(-1)
      : has(faults, 'shuffled-pages') !== undefined
        ? page.shift(page.first ? 1 : -1)
        : null;
  if (otherUrl === null) return own;
  const other = await ask(options, at(request, otherUrl), trace);
  return { status: own.status, headers: own.headers, body: other.status === 200 ? other.body : own.body };
}

const json = z.json();
type Json = z.output<typeof json>;

function parsed(body: Uint8Array): Json | undefined {
  try {
    return json.parse(JSON.parse(decoder.decode(body)));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function mapRows(value: Json, change: (rows: Json[]) => Json[]): Json {
  if (Array.isArray(value)) return change(value);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, Array.isArray(inner) ? change(inner) : inner]),
  );
}

function shuffled(rows: Json[], seed: string): Json[] {
  const random = prngFor(`shuffle/${seed}/${rows.length}`);
  return rows
    .map((row) => ({ row, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ row }) => row);
}

function mapStrings(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((inner) => mapStrings(inner, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapStrings(inner, change)]));
}

/** Every `id` that is a number is another one. */
function withOtherIds(value: Json): Json {
  if (Array.isArray(value)) return value.map(withOtherIds);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'id' && typeof inner === 'number' ? inner + 100_000 : withOtherIds(inner),
    ]),
  );
}

function changeBody(answer: Answer, change: (value: Json) => Json): void {
  const value = parsed(answer.body);
  if (value !== undefined) answer.body = encoder.encode(JSON.stringify(change(value)));
}

/** Does to a finished answer what the faults say, in place. */
function distort(faults: readonly Fault[], answer: Answer, url: URL, options: ServerOptions): void {
  const { protocol, clock } = options;
  for (const fault of faults) {
    switch (fault.kind) {
      case 'empty-page':
        if (answer.status === 200) changeBody(answer, (value) => mapRows(value, () => []));
        answer.headers.delete(protocol.totalHeader);
        answer.headers.delete('link');
        break;
      case 'shuffled-rows':
        changeBody(answer, (value) => mapRows(value, (rows) => shuffled(rows, fault.seed)));
        break;
      case 'another-id':
        changeBody(answer, withOtherIds);
        break;
      case 'wrong-scope':
      case 'clock-skew':
        if (fault.kind === 'clock-skew')
          answer.headers.set('date', new Date(clock.now() + fault.seconds * 1000).toUTCString());
        if (!protocol.isToken(url) || answer.status !== 200) break;
        changeBody(answer, (value) => {
          if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
          if (fault.kind === 'clock-skew')
            return fault.expiresIn === undefined ? value : { ...value, expires_in: fault.expiresIn };
          const { scope: _scope, ...rest } = value;
          return fault.scope === null ? rest : { ...rest, scope: fault.scope };
        });
        break;
      case 'missing-total':
        answer.headers.delete(protocol.totalHeader);
        break;
      case 'missing-link':
        answer.headers.delete('link');
        break;
      case 'relative-hrefs': {
        const strip = (text: string): string => text.replaceAll(url.origin, '');
        changeBody(answer, (value) => mapStrings(value, strip));
        const link = answer.headers.get('link');
        if (link !== null) answer.headers.set('link', strip(link));
        break;
      }
      case 'foreign-next': {
        const link = answer.headers.get('link');
        if (link === null) break;
        const parts = link
          .split(/,\s*(?=<)/)
          .map((part) => (/rel="?next"?/.test(part) ? part.replace(url.origin, new URL(fault.origin).origin) : part));
        answer.headers.set('link', parts.join(', '));
        break;
      }
      default:
        break;
    }
  }
}

const CHUNK = Buffer.alloc(64 * 1024, ' ');

/** Writes a body of the given length, or one that never ends, no faster than the client reads. */
async function pour(outgoing: ServerResponse, bytes: number): Promise<number> {
  let sent = 0;
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  while (sent < bytes && !gone.signal.aborted) {
    const chunk = bytes - sent < CHUNK.length ? CHUNK.subarray(0, bytes - sent) : CHUNK;
    sent += chunk.length;
    if (!outgoing.write(chunk)) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          outgoing.off('drain', go);
          outgoing.off('close', go);
          resolve();
        };
        outgoing.once('drain', go);
        outgoing.once('close', go);
      });
    }
  }
  return sent;
}

/** Sends the answer, or what a fault of the transport leaves of it. */
async function send(faults: readonly Fault[], answer: Answer, outgoing: ServerResponse): Promise<void> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of answer.headers) if (name !== 'set-cookie') headers[name] = value;
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) headers['set-cookie'] = cookies;
  const cut = has(faults, 'truncated');
  if (cut !== undefined) {
    outgoing.writeHead(answer.status, { ...headers, 'content-length': String(answer.body.length) });
    const kept = answer.body.subarray(0, Math.min(answer.body.length - 1, Math.floor(answer.body.length * cut.keep)));
    outgoing.flushHeaders();
    if (kept.length > 0) await new Promise<void>((resolve) => outgoing.write(kept, () => resolve()));
    outgoing.socket?.destroySoon();
    return;
  }
  if (has(faults, 'stalled') !== undefined) {
    outgoing.writeHead(answer.status, { ...headers, 'content-length': String(answer.body.length) });
    outgoing.write(answer.body.subarray(0, Math.floor(answer.body.length / 2)));
    return;
  }
  const huge = has(faults, 'huge-body');
  if (huge !== undefined || has(faults, 'endless-body') !== undefined) {
    outgoing.writeHead(200, { 'content-type': 'application/json' });
    await pour(outgoing, huge?.bytes ?? Number.POSITIVE_INFINITY);
    outgoing.end(huge === undefined ? undefined : Buffer.from(answer.body));
    return;
  }
  outgoing.writeHead(
    answer.status,
    answer.body.length > 0 ? { ...headers, 'content-length': String(answer.body.length) } : headers,
  );
  outgoing.end(answer.body);
}

async function handle(options: ServerOptions, request: Request, outgoing: ServerResponse): Promise<void> {
  const { clock, log, protocol } = options;
  const url = new URL(request.url);
  const trace: Trace = { school: '', client: '', operation: '', rows: null };
  const isControl = url.pathname.startsWith('/_sandbox');
  const faults = isControl
    ? []
    : options.faults.take({
        method: request.method,
        path: url.pathname,
        operation: options.faults.needsOperation() ? ((await protocol.operation?.(request.clone())) ?? '') : '',
        isProtocol: protocol.isProtocol(url),
        isToken: protocol.isToken(url),
      });
  const record = (status: number): void => {
    if (isControl) return;
    log.add({
      at: new Date(clock.now()).toISOString(),
      method: request.method,
      path: url.pathname,
      query: withoutSecrets(url.search),
      status,
      faults: faults.map(({ kind }) => kind),
      ...trace,
    });
  };
  const wait = has(faults, 'latency');
  if (wait !== undefined) await sleep(wait.ms, undefined, { ref: false });
  if (has(faults, 'reset') !== undefined) {
    record(0);
    outgoing.socket?.resetAndDestroy();
    return;
  }
  const answer = refusal(faults, url, options) ?? (await paged(faults, request, options, trace));
  distort(faults, answer, url, options);
  record(answer.status);
  await send(faults, answer, outgoing);
}

/** Starts a program's server on 127.0.0.1; port 0 takes a free one. */
export async function serve(options: ServerOptions): Promise<RunningServer> {
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const listener = getRequestListener(
      async (request) => {
        await handle(options, request, outgoing);
        return RESPONSE_ALREADY_SENT;
      },
      { overrideGlobalObjects: false },
    );
    void listener(incoming, outgoing);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}
