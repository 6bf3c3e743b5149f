import type { BareSession, ConsentAnswer, ConsentRequest, ConsentResult, Tokens } from '#server/connectors/contract.ts';
import { type Answer, ask, type Line, refuseStatus, unreadable } from '#server/connectors/exchange/ask.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import type { Secret, Settings } from './settings.ts';
import { tokenAnswerSchema, tokenErrorSchema } from './wire.ts';

type CanvasBare = BareSession<Settings, Secret>;

/** Canvas's consent page (RFC 6749 §4.1.1), with the S256 challenge of RFC 7636 unless this Canvas was found to know none. */
export function authorizeUrl(
  settings: Settings,
  secret: Secret,
  foreignScopes: readonly string[],
  { state, redirectUri, codeChallenge }: ConsentRequest,
): string {
  const url = new URL(`${settings.baseUrl}/login/oauth2/auth`);
  url.search = new URLSearchParams({
    client_id: secret.clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    state,
    scope: foreignScopes.join(' '),
    purpose: 'Crosswalk',
    ...(codeChallenge === null ? {} : { code_challenge: codeChallenge, code_challenge_method: 'S256' }),
  }).toString();
  return url.toString();
}

/**
 * Redeems the code (RFC 6749 §4.1.3). `invalid_grant` to a verifier may mean a Canvas without PKCE, and the code is spent: start again
 * without, once.
 * @throws CrosswalkError `credential-refused`, and what any call throws
 */
export async function exchange(session: CanvasBare, answer: ConsentAnswer): Promise<ConsentResult> {
  const { code, redirectUri, codeVerifier } = answer;
  const outcome = await askToken(session, {
    grant_type: 'authorization_code',
    redirect_uri: redirectUri,
    code,
    ...(codeVerifier === null ? {} : { code_verifier: codeVerifier }),
  });
  if (!(outcome instanceof CrosswalkError)) return { kind: 'tokens', tokens: outcome };
  if (codeVerifier !== null && outcome.details.oauthError === 'invalid_grant') {
    return { kind: 'start-again', withPkce: false };
  }
  throw outcome;
}

/** New tokens for old. Canvas's answer has no new refresh token: the old one stays. @throws `credential-refused` */
export async function refresh(session: CanvasBare, current: Tokens | null): Promise<Tokens> {
  if (current === null || current.refreshToken === null) {
    throw new CrosswalkError('credential-refused', { details: { problem: 'consent-needed' } });
  }
  const outcome = await askToken(session, { grant_type: 'refresh_token', refresh_token: current.refreshToken });
  if (outcome instanceof CrosswalkError) throw outcome;
  return {
    ...outcome,
    refreshToken: outcome.refreshToken ?? current.refreshToken,
    actsAs: outcome.actsAs ?? current.actsAs,
  };
}

/** Ends the tokens over there. A token that is dead already is as good. */
export async function revoke(session: CanvasBare, tokens: Tokens): Promise<void> {
  await ask(
    session,
    {
      url: `${session.settings.baseUrl}/login/oauth2/token`,
      method: 'DELETE',
      headers: { authorization: `Bearer ${tokens.accessToken}` },
      origin: originOf(session.settings.baseUrl),
      purpose: 'token',
      maxBytes: 256 * 1024,
    },
    (answer) => {
      if (answer.status !== 401) refuseStatus(answer, session.clock.now());
      return { value: undefined, rows: null };
    },
  );
}

function askToken(session: CanvasBare, fields: Record<string, string>): Promise<Tokens | CrosswalkError> {
  const { clientId, clientSecret } = session.secret;
  return ask(
    session,
    {
      url: `${session.settings.baseUrl}/login/oauth2/token`,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...fields }).toString(),
      origin: originOf(session.settings.baseUrl),
      purpose: 'token',
      maxBytes: 256 * 1024,
    },
    (answer) => ({ value: judge(answer, session), rows: null }),
  );
}

function judge(answer: Answer, line: Line): Tokens | CrosswalkError {
  const now = line.clock.now();
  if (answer.status === 400 || answer.status === 401) {
    const oauth = tokenErrorSchema.safeParse(answer.json);
    const oauthError = oauth.success ? oauth.data.error : null;
    return new CrosswalkError('credential-refused', {
      details: {
        host: answer.host,
        status: answer.status,
        oauthError,
        // `invalid_grant`: the person's consent is gone; `invalid_client`: the developer key is.
        problem: oauthError === 'invalid_grant' ? 'consent-needed' : 'developer-key-refused',
      },
    });
  }
  refuseStatus(isThrottled(answer) ? { ...answer, status: 429 } : answer, now, { at: 'token-address' });
  const parsed = tokenAnswerSchema.safeParse(answer.json);
  if (!parsed.success) throw unreadable(answer, 'no-token', { at: 'token-address' });
  const { access_token, refresh_token, expires_in, user } = parsed.data;
  return {
    accessToken: access_token,
    refreshToken: refresh_token ?? null,
    expiresAt: expires_in === undefined || expires_in < 90 ? null : new Date(now.getTime() + expires_in * 1000),
    scopes: null,
    actsAs: user?.name ?? null,
    clientAuthentication: 'body',
  };
}

/** Canvas throttles with 429, older installs with 403 and this very text; a 403 without it is a missing right. */
export function isThrottled(answer: Pick<Answer, 'status' | 'text'>): boolean {
  return answer.status === 429 || (answer.status === 403 && answer.text.includes('Rate Limit Exceeded'));
}
