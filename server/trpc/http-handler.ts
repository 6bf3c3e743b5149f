import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { newId } from '#server/kernel/ids.ts';
import { contextOfRequest, type WebProcess } from './context.ts';
import { appRouter } from './root.ts';
import { isFromOwnPage } from './same-origin.ts';

/**
 * tRPC over HTTP: queries by GET (or POST), whatever changes something only as a POST of JSON from a page of ours.
 * Answers are nobody's to cache.
 */
export async function answerTrpc(
  web: Pick<WebProcess, 'database' | 'keyring' | 'clock' | 'baseUrl' | 'cookie'>,
  request: Request,
): Promise<Response> {
  if (request.method !== 'GET' && !isFromOwnPage(request, web.baseUrl)) {
    return Response.json({ error: 'cross-origin' }, { status: 403, headers: { 'cache-control': 'no-store' } });
  }
  const headers = new Headers(request.headers);
  // Ours for this request: what a client sends would let it choose the id of an audit row.
  headers.set('x-request-id', newId());
  return fetchRequestHandler({
    endpoint: '/api/trpc',
    req: request,
    router: appRouter,
    allowMethodOverride: true,
    createContext: () => contextOfRequest(web, { headers }),
    responseMeta: () => ({ headers: new Headers({ 'cache-control': 'no-store' }) }),
  });
}
