import { decodeJwt, errors } from 'jose';

/** Errors of a token endpoint (RFC 6749 §5.2), and one of our own for a client that asks too often. */
export const tokenErrors = {
  invalid_request: 400,
  invalid_client: 401,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  temporarily_unavailable: 429,
} as const;
export type TokenError = keyof typeof tokenErrors;

/** A refusal as the client reads it. The description is for whoever operates the client; it names no person and no school. */
export interface TokenRefusal {
  readonly error: TokenError;
  readonly description: string;
  readonly retryAfterSeconds?: number;
}

/** How a client shows who it is (RFC 6749 §2.3.1, RFC 7523 §2.2). */
export type ClientProof =
  | { readonly kind: 'secret'; readonly clientId: string; readonly secret: string }
  | { readonly kind: 'assertion'; readonly clientId: string; readonly assertion: string };

export interface TokenRequest {
  readonly proof: ClientProof;
  /** Null where none is named: then all that the client may have. */
  readonly scopes: readonly string[] | null;
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const once = ['grant_type', 'scope', 'client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
/** RFC 6749 §3.3: printable ASCII without quote and backslash. */
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

export const isTokenRefusal = (value: object): value is TokenRefusal => 'error' in value;

/** Reads a request for a token by client credentials (RFC 6749 §4.4.2). */
export function readTokenRequest(request: {
  readonly authorization: string | null;
  readonly contentType: string | null;
  readonly body: string;
}): TokenRequest | TokenRefusal {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(request.contentType ?? '')) {
    return refusal('invalid_request', 'Send a form: application/x-www-form-urlencoded.');
  }
  const form = new URLSearchParams(request.body);
  const twice = once.find((name) => form.getAll(name).length > 1);
  if (twice !== undefined) return refusal('invalid_request', `Send ${twice} once.`);
  const grantType = form.get('grant_type');
  if (grantType === null || grantType === '') return refusal('invalid_request', 'grant_type is missing.');
  if (grantType !== 'client_credentials') {
    return refusal('unsupported_grant_type', 'Only client_credentials is supported.');
  }
  const proof = readProof(request.authorization, form);
  if (isTokenRefusal(proof)) return proof;
  const asked = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
  if (!asked.every((scope) => scopeToken.test(scope))) return refusal('invalid_scope', 'The scope is malformed.');
  return { proof, scopes: asked.length === 0 ? null : asked };
}

function readProof(authorization: string | null, form: URLSearchParams): ClientProof | TokenRefusal {
  const [id, secret, assertion] = [form.get('client_id'), form.get('client_secret'), form.get('client_assertion')];
  const ways = [authorization, secret, assertion].filter((way) => way !== null).length;
  if (ways > 1) return refusal('invalid_request', 'Authenticate the client in one way only.');
  if (authorization !== null) return readBasic(authorization, id);
  if (assertion !== null) return readAssertion(assertion, form.get('client_assertion_type'), id);
  if (id === null || id === '' || secret === null) return refusal('invalid_client', 'Authenticate the client.');
  return { kind: 'secret', clientId: id, secret };
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. */
function readBasic(authorization: string, idInForm: string | null): ClientProof | TokenRefusal {
  const encoded = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization)?.[1];
  if (encoded === undefined) return refusal('invalid_client', 'Authenticate the client by Basic.');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const [clientId, secret] = [decode(text.slice(0, Math.max(0, colon))), decode(text.slice(colon + 1))];
  if (colon < 1 || clientId === null || secret === null) {
    return refusal('invalid_client', 'The Basic header cannot be read.');
  }
  if (idInForm !== null && idInForm !== clientId) return refusal('invalid_request', 'Two different clients are named.');
  return { kind: 'secret', clientId, secret };
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/** Who it claims to be; nothing is believed before the signature is checked. */
function readAssertion(assertion: string, type: string | null, idInForm: string | null): ClientProof | TokenRefusal {
  if (type !== assertionType) return refusal('invalid_request', `client_assertion_type must be ${assertionType}.`);
  try {
    const { sub } = decodeJwt(assertion);
    if (typeof sub !== 'string' || sub === '') return refusal('invalid_client', 'The assertion names no client.');
    if (idInForm !== null && idInForm !== sub) return refusal('invalid_request', 'Two different clients are named.');
    return { kind: 'assertion', clientId: sub, assertion };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    return refusal('invalid_client', 'The assertion cannot be read.');
  }
}

export const refusal = (error: TokenError, description: string): TokenRefusal => ({ error, description });

export interface TokenAnswer {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly scopes: readonly string[];
}

/** The answer as HTTP (RFC 6749 §5): no cache keeps it, whatever it says. */
export function tokenResponse(outcome: TokenAnswer | TokenRefusal): Response {
  const headers = new Headers({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  if (!isTokenRefusal(outcome)) {
    const { accessToken, expiresInSeconds, scopes } = outcome;
    return Response.json(
      { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds, scope: scopes.join(' ') },
      { headers },
    );
  }
  const status = tokenErrors[outcome.error];
  if (status === 401) headers.set('WWW-Authenticate', 'Basic realm="Crosswalk", charset="UTF-8"');
  if (outcome.retryAfterSeconds !== undefined) headers.set('Retry-After', String(outcome.retryAfterSeconds));
  return Response.json({ error: outcome.error, error_description: outcome.description }, { status, headers });
}
