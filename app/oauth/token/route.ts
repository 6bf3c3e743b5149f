import { answerTokenRequest } from '#server/features/consumers/answer-token-request.ts';
import { createContext } from '#server/trpc/context.ts';

export const dynamic = 'force-dynamic';

/** Access tokens for consumers (RFC 6749 §4.4). No session and no link counts here: the client says who it is. */
export async function POST(request: Request): Promise<Response> {
  return answerTokenRequest(await createContext({ headers: new Headers() }), request);
}
