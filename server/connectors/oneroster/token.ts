import type { Tokens } from '#server/connectors/contract.ts';
import { type Answer, ask, type Line, refuseStatus, unreadable } from '#server/connectors/exchange/ask.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { originOf } from '#server/kernel/outbound/client.ts';
import { type Permission, type Secret, type Settings, scopesOf, scopeUri, tokenUrlOf } from './settings.ts';
import { tokenAnswerSchema, tokenErrorSchema } from './wire.ts';

type ClientAuthentication = 'basic' | 'body';

/** A shorter life than this is a clock gone wrong or a server's joke: the token is used until it is refused. */
const shortestLifeSeconds = 90;

/**
 * Buys an access token by client credentials (RFC 6749 §4.4 as 1EdTech's Security Framework 1.0 profiles it). The secret goes
 * into the Basic header first and into the body where a server takes it only there; what worked is remembered in the tokens.
 * Asks for `roster-core.readonly`, and for `roster.readonly` where a server knows no smaller scope; for demographics with their own scope,
 * or with that alone where a server gives one at a time.
 * @throws CrosswalkError `credential-refused`, `scope-missing`, and what any call throws
 */
export async function buyToken(
  line: Line,
  settings: Settings,
  secret: Secret,
  current: Tokens | null,
  permission: Permission = 'core',
): Promise<Tokens> {
  const ways: readonly ClientAuthentication[] =
    current?.clientAuthentication === 'body' ? ['body', 'basic'] : ['basic', 'body'];
  const asked = scopesOf(settings, permission);
  const [, demographics] = asked;
  const wide = [scopeUri(settings.version, 'roster.readonly'), ...(demographics === undefined ? [] : [demographics])];
  const scopes =
    settings.scope === undefined
      ? [asked, wide, ...(demographics === undefined ? [] : [[demographics]])].map((several) => several.join(' '))
      : [settings.scope];
  let refused: CrosswalkError | null = null;
  for (const way of ways) {
    for (const scope of scopes) {
      const outcome = await tryOnce(line, settings, secret, way, scope);
      if (!(outcome instanceof CrosswalkError)) return outcome;
      refused = outcome;
      // Only a scope that the server does not know or give is worth asking for the next one.
      if (outcome.code !== 'scope-missing') break;
    }
    if (refused?.code === 'scope-missing') break;
  }
  throw refused ?? new CrosswalkError('credential-refused');
}

async function tryOnce(
  line: Line,
  settings: Settings,
  secret: Secret,
  way: ClientAuthentication,
  scope: string,
): Promise<Tokens | CrosswalkError> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope });
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  if (way === 'basic') {
    const pair = Buffer.from(`${secret.clientId}:${secret.clientSecret}`, 'utf8').toString('base64');
    headers.authorization = `Basic ${pair}`;
  } else {
    body.set('client_id', secret.clientId);
    body.set('client_secret', secret.clientSecret);
  }
  return ask(
    line,
    {
      url: tokenUrlOf(settings),
      method: 'POST',
      headers,
      body: body.toString(),
      origin: originOf(tokenUrlOf(settings)),
      purpose: 'token',
      maxBytes: 256 * 1024,
    },
    (answer) => ({ value: judge(answer, line, way, scope), rows: null }),
  );
}

const refusals = new Set([400, 401, 403, 415, 422]);

function judge(answer: Answer, line: Line, way: ClientAuthentication, scope: string): Tokens | CrosswalkError {
  const now = line.clock.now();
  const oauth = tokenErrorSchema.safeParse(answer.json);
  if (oauth.success && answer.status !== 429 && answer.status < 500) {
    const details = { host: answer.host, status: answer.status, oauthError: oauth.data.error };
    if (oauth.data.error === 'invalid_scope') {
      return new CrosswalkError('scope-missing', { details: { ...details, scopes: scope.split(' ') } });
    }
    return new CrosswalkError('credential-refused', { details });
  }
  // Whatever a server says to a client authentication that it does not take: 400 or 401 by the standard, 403, 415 or 422 in the wild.
  if (refusals.has(answer.status) && !(answer.status === 403 && 'retry-after' in answer.headers)) {
    return new CrosswalkError('credential-refused', { details: { host: answer.host, status: answer.status } });
  }
  refuseStatus(answer.status === 403 ? { ...answer, status: 429 } : answer, now, { at: 'token-address' });
  const parsed = tokenAnswerSchema.safeParse(answer.json);
  if (!parsed.success) throw unreadable(answer, 'no-token', { at: 'token-address' });
  const { access_token, expires_in, scope: given } = parsed.data;
  return {
    accessToken: access_token,
    refreshToken: null,
    expiresAt:
      expires_in === undefined || expires_in < shortestLifeSeconds
        ? null
        : new Date(now.getTime() + Math.min(expires_in, 86_400) * 1000),
    scopes: given === undefined ? null : given.split(/[\s,]+/).filter((word) => word !== ''),
    actsAs: null,
    clientAuthentication: way,
  };
}
