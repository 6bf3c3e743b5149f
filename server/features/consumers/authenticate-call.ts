import { hashToken } from '#server/features/people/session-token.ts';
import type { Context } from '#server/kernel/context.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { type ConsumerCall, liveConsumerByToken } from './consumer-call.ts';

/** What of a request tells who calls. */
export interface CallToAuthenticate {
  readonly method: string;
  /** As the caller addressed it: what a proxy changed would break a signature. */
  readonly url: string;
  readonly authorization: string | null;
  /** Parameters of a form body, which a signature covers too. */
  readonly form?: URLSearchParams;
}

/** RFC 6750 §2.1: the scheme in any case, one token of its alphabet. */
const bearer = /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/**
 * Lets a consumer's call in by its bearer token, against the live grant at every call: what the school ended, paused or stopped a
 * moment ago opens nothing any more, whatever process is asked.
 * @throws CrosswalkError `token-missing`, `token-refused`
 */
export async function authenticateCall(ctx: Context, request: CallToAuthenticate): Promise<ConsumerCall> {
  if (request.authorization === null) throw new CrosswalkError('token-missing');
  const token = bearer.exec(request.authorization)?.[1];
  if (token === undefined) throw new CrosswalkError('token-missing');
  const call = await liveConsumerByToken(ctx, hashToken(token));
  if (call === null) throw new CrosswalkError('token-refused');
  return call;
}
