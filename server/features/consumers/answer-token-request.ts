import { networkKeyOf } from '#server/features/people/known-device.ts';
import type { Context } from '#server/kernel/context.ts';
import { refusal, tokenResponse } from '#server/protocols/oauth/token-request.ts';
import { issueToken } from './issue-token.ts';

const largestBody = 50_000;

/** The token endpoint as HTTP (RFC 6749 §3.2). */
export async function answerTokenRequest(ctx: Context, request: Request): Promise<Response> {
  const body = await readBounded(request);
  if (body === null) return tokenResponse(refusal('invalid_request', 'The request is too large.'));
  return tokenResponse(
    await issueToken({
      ctx,
      input: {
        authorization: request.headers.get('authorization'),
        contentType: request.headers.get('content-type'),
        body,
        networkKey: networkKeyOf(request.headers),
      },
    }),
  );
}

/** The body as text; null where it is larger than any request for a token. */
async function readBounded({ body }: Request): Promise<string | null> {
  if (body === null) return '';
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > largestBody) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
