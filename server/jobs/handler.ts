import type { InngestFunction } from 'inngest';
import { serve } from 'inngest/edge';
import type { JobClient } from './client.ts';
import type { JobKeys } from './keys.ts';
import { signatureHolds } from './signature.ts';

/** Where the handler is mounted, in the worker and in the web process. */
export const handlerPath = '/api/inngest';

/** The SDK's own limit for a call's body (SDK protocol §10), with room. */
const mostBodyBytes = 8 * 1024 * 1024;

export interface HandlerOptions {
  readonly client: JobClient;
  readonly functions: readonly InngestFunction.Any[];
  readonly keys: JobKeys;
  /** The origin under which the executor reaches this handler, where it is not the request's own. */
  readonly serveOrigin?: string;
  readonly now?: () => Date;
}

export type JobsHandler = (request: Request) => Promise<Response>;

const refuse = (status: number, message: string) => Response.json({ message }, { status });

async function readBody(request: Request): Promise<string | null> {
  if (Number(request.headers.get('content-length') ?? '0') > mostBodyBytes) return null;
  const body = await request.text();
  return body.length > mostBodyBytes ? null : body;
}

/**
 * Inngest's serve handler behind our own check of the signature: whatever the SDK's mode and environment, a call that is
 * unsigned, wrongly signed or older than five minutes is answered 401 and reaches no function.
 */
export function createJobsHandler({ client, functions, keys, serveOrigin, now }: HandlerOptions): JobsHandler {
  const handle = serve({
    client,
    functions: [...functions],
    servePath: handlerPath,
    ...(serveOrigin === undefined ? {} : { serveOrigin }),
    streaming: false,
  });
  const signingKeys = keys.signingKeyFallback === null ? [keys.signingKey] : [keys.signingKey, keys.signingKeyFallback];
  return async (request) => {
    if (!['GET', 'PUT', 'POST'].includes(request.method)) return refuse(405, 'method-not-allowed');
    const body = request.method === 'GET' ? '' : await readBody(request);
    if (body === null) return refuse(413, 'body-too-large');
    const signature = request.headers.get('x-inngest-signature');
    if (!signatureHolds(signature, body, signingKeys, now?.() ?? new Date())) return refuse(401, 'signature-refused');
    // The SDK makes its URL of the host header, which a request made in this process lacks.
    const headers = new Headers(request.headers);
    if (!headers.has('host')) headers.set('host', new URL(request.url).host);
    return handle(new Request(request.url, { method: request.method, headers, ...(body === '' ? {} : { body }) }));
  };
}
