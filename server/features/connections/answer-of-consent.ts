import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema } from '#server/kernel/ids.ts';
import { finishConsent } from './finish-consent.ts';
import { schoolPaths } from './tell-whose-turn.ts';

/** The page on which the holder of a link, who has no session, hands in the answer together with his token. */
export const consentPageOfLink = '/connect/consent';

/**
 * Takes the answer of a foreign consent page (RFC 6749 §4.1.2) and says where to send the browser: to the system's page with
 * `consent` = `proved`, `refused`, or the code of what went wrong; back to the foreign system where it knows no PKCE.
 */
export async function answerOfConsent(ctx: Context, query: URLSearchParams): Promise<string> {
  const answer = {
    state: query.get('state') ?? '',
    code: query.get('code') ?? undefined,
    error: query.get('error') ?? undefined,
  };
  // A link's token lives in the browser's page alone, so that page asks in its own name.
  if (ctx.actor.kind === 'anonymous') return `${ctx.baseUrl}${consentPageOfLink}?${pick(answer)}`;
  try {
    const finished = await finishConsent.fromWire({ ctx, raw: answer });
    if (finished.kind === 'start-again') return finished.url;
    return pageOf(ctx, finished.schoolId, finished.systemId, finished.trial.outcome);
  } catch (error) {
    if (!(error instanceof CrosswalkError) || error.http === 500) throw error;
    const schoolId = idSchema.safeParse(error.details.schoolId);
    const systemId = idSchema.safeParse(error.details.systemId);
    if (!schoolId.success || !systemId.success) return `${ctx.baseUrl}/?consent=${error.code}`;
    return pageOf(ctx, schoolId.data, systemId.data, error.code);
  }
}

const pageOf = (ctx: Context, schoolId: string, systemId: string, outcome: string) =>
  `${ctx.baseUrl}${schoolPaths.system(schoolId, systemId)}?consent=${outcome}`;

function pick(answer: { state: string; code: string | undefined; error: string | undefined }): string {
  const kept = new URLSearchParams({ state: answer.state });
  if (answer.code !== undefined) kept.set('code', answer.code);
  if (answer.error !== undefined) kept.set('error', answer.error);
  return kept.toString();
}
