import { Agent, request } from 'undici';
import { z } from 'zod';
import { type CanonicalValue, canonicalJson } from '#server/kernel/canonical-json.ts';
import { signBody } from '../signature.ts';
import { parseRetryAfter } from './time.ts';
import { type Op, opSchema, readError, type StepErrorShape } from './wire.ts';

/** How a call to the handler ended (SDK protocol §5). */
export type Answer =
  | { readonly kind: 'completed'; readonly data: unknown }
  | { readonly kind: 'ops'; readonly ops: readonly Op[]; readonly retryAfterMs: number | null }
  | {
      readonly kind: 'failed';
      readonly error: StepErrorShape;
      readonly retry: boolean;
      readonly retryAfterMs: number | null;
    }
  /** Nothing that the SDK answered: the handler is not there, was killed, refused us, or took too long. */
  | { readonly kind: 'interrupted'; readonly why: string };

export interface HandlerConnection {
  readonly url: string;
  readonly signingKey: string;
  readonly agent: Agent;
}

/** The SDK's own limit for an answer (SDK protocol §10). */
const mostAnswerBytes = 8 * 1024 * 1024;

/**
 * Explicit time-outs: undici would give up after 300 s without headers, in the middle of a long step, and the step would
 * run twice at once.
 */
export function connectHandler(
  url: string,
  signingKey: string,
  callTimeoutMs: number,
  connections: number,
): HandlerConnection {
  const agent = new Agent({
    connect: { timeout: 5_000 },
    headersTimeout: callTimeoutMs,
    bodyTimeout: 60_000,
    // Below the worker's keep-alive time, so that no call is written into a connection that is being closed.
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 10_000,
    connections,
    pipelining: 1,
    maxResponseSize: mostAnswerBytes,
  });
  return { url, signingKey, agent };
}

const header = (value: string | string[] | undefined): string | null =>
  Array.isArray(value) ? (value[0] ?? null) : (value ?? null);

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

async function exchange(
  handler: HandlerConnection,
  method: 'PUT' | 'POST',
  query: Readonly<Record<string, string>>,
  body: CanonicalValue,
  signal: AbortSignal | null,
): Promise<Reply | { readonly interrupted: string }> {
  const text = canonicalJson(body);
  const url = new URL(handler.url);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  try {
    const response = await request(url, {
      method,
      dispatcher: handler.agent,
      signal,
      body: text,
      headers: {
        'content-type': 'application/json',
        'x-inngest-signature': signBody(handler.signingKey, text, new Date()),
        'x-inngest-server-kind': 'cloud',
        ...(method === 'PUT' ? { 'x-inngest-sync-kind': 'in_band' } : { 'x-inngest-req-version': '2' }),
      },
    });
    const answer = await response.body.text();
    if (header(response.headers['x-inngest-sdk']) === null) return { interrupted: `status-${response.statusCode}` };
    return { status: response.statusCode, headers: response.headers, body: answer === '' ? null : JSON.parse(answer) };
  } catch (error) {
    const code = z.object({ code: z.string() }).safeParse(error);
    return { interrupted: code.success ? code.data.code : 'answer-unreadable' };
  }
}

/** Asks the handler for its functions by an in-band sync (SDK protocol §3); null while it does not answer. */
export async function askRegistration(handler: HandlerConnection): Promise<unknown> {
  const reply = await exchange(handler, 'PUT', {}, { url: handler.url }, AbortSignal.timeout(10_000));
  return 'interrupted' in reply || reply.status !== 200 ? null : reply.body;
}

export interface CallRequest {
  readonly functionId: string;
  readonly stepId: string;
  readonly body: CanonicalValue;
}

/** Makes one call request and sorts its answer. Never throws. */
export async function callFunction(
  handler: HandlerConnection,
  call: CallRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const reply = await exchange(handler, 'POST', { fnId: call.functionId, stepId: call.stepId }, call.body, signal);
  if ('interrupted' in reply) return { kind: 'interrupted', why: reply.interrupted };
  const retryAfterMs = parseRetryAfter(header(reply.headers['retry-after']), new Date());
  if (reply.status === 200) return { kind: 'completed', data: reply.body };
  if (reply.status === 206) {
    const ops = z.array(opSchema).safeParse(reply.body);
    if (ops.success) return { kind: 'ops', ops: ops.data, retryAfterMs };
    return {
      kind: 'failed',
      error: { name: 'Error', message: 'job-answer-unreadable' },
      retry: false,
      retryAfterMs: null,
    };
  }
  const retry = reply.status >= 500 && header(reply.headers['x-inngest-no-retry']) !== 'true';
  return { kind: 'failed', error: readError(reply.body), retry, retryAfterMs };
}
