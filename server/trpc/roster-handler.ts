import { answerRosterCall, type RosterAnswer, refuse } from '#server/features/provider/answer-roster-call.ts';
import { toCrosswalkError } from '#server/kernel/errors.ts';
import type { OneRosterVersion } from '#server/protocols/oneroster/versions.ts';
import { contextOfRequest, type WebProcess } from './context.ts';

/** A consumer's call, answered in the standard's words whatever happens. A session's cookie is nothing here: consumers bring tokens. */
export async function answerRoster(
  web: Pick<WebProcess, 'database' | 'keyring' | 'clock' | 'baseUrl' | 'cookie' | 'logger'>,
  request: Request,
  version: OneRosterVersion,
  segments: readonly string[],
): Promise<Response> {
  const ctx = await contextOfRequest(web, { headers: new Headers() });
  const { search } = new URL(request.url);
  const { method, headers } = request;
  const answer = await answerRosterCall(ctx, { version, method, segments, search, headers }).catch((error: unknown) => {
    const known = toCrosswalkError(error);
    if (known.http >= 500) web.logger.error('a consumer could not be answered', { error });
    return refusalOf(version, known.http, known.retryAfterSeconds);
  });
  return new Response(answer.body, { status: answer.status, headers: { ...answer.headers } });
}

function refusalOf(version: OneRosterVersion, http: number, retryAfterSeconds: number | null): RosterAnswer {
  if (http === 401) {
    const refusal = { codeMinor: 'unauthorisedrequest', description: 'No token, or one that opens nothing' } as const;
    return refuse(version, refusal, { 'www-authenticate': 'Bearer' });
  }
  if (http === 429 || http === 503) {
    const refusal = { codeMinor: 'server_busy', description: 'Try again later' } as const;
    return { ...refuse(version, refusal, { 'retry-after': String(retryAfterSeconds ?? 60) }), status: http };
  }
  return refuse(version, { codeMinor: 'internal_server_error', description: 'An error on our side' });
}
