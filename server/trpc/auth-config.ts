import { CredentialsSignin } from '@auth/core/errors';
import type { NextAuthConfig } from 'next-auth';
import { decode, encode } from 'next-auth/jwt';
import Credentials from 'next-auth/providers/credentials';
import { z } from 'zod';
import { acceptInvitationWithOidc } from '#server/features/people/accept-invitation-with-oidc.ts';
import { actorOfSession } from '#server/features/people/actor-of-session.ts';
import { deviceOfRequest } from '#server/features/people/known-device.ts';
import { linkIdentity } from '#server/features/people/link-identity.ts';
import type { OpenedSession } from '#server/features/people/open-session.ts';
import {
  hashToken,
  readCookie,
  readSessionToken,
  type SessionCookie,
  sessionAbsoluteMilliseconds,
} from '#server/features/people/session-token.ts';
import { signInWithOidc } from '#server/features/people/sign-in-with-oidc.ts';
import { signInWithPassword } from '#server/features/people/sign-in-with-password.ts';
import { signOut } from '#server/features/people/sign-out.ts';
import { isCrosswalkError, toCrosswalkError } from '#server/kernel/errors.ts';
import { contextOfRequest, type WebProcess } from './context.ts';

/** Why a sign-in by password was refused, in the one short word that Auth.js carries to the page. */
export class SignInRefused extends CredentialsSignin {
  constructor(error: unknown) {
    super('sign-in refused', { cause: toCrosswalkError(error) });
    const ours = toCrosswalkError(error);
    this.code = ours.retryAfterSeconds === null ? ours.code : `${ours.code}.${ours.retryAfterSeconds}`;
  }
}

const credentialsSchema = z.object({ email: z.string(), password: z.string(), code: z.string().optional() });
const claimsSchema = z.object({ iss: z.string(), sub: z.string(), name: z.string().nullish() });

/** What somebody meant when he left for an OpenID provider, in a sealed cookie of ten minutes. */
export type OidcIntent =
  | { readonly kind: 'sign-in' }
  /** Link to the account of exactly this session. */
  | { readonly kind: 'link'; readonly session: string }
  | { readonly kind: 'invitation'; readonly token: string };

const intentSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sign-in') }),
  z.object({ kind: z.literal('link'), session: z.string() }),
  z.object({ kind: z.literal('invitation'), token: z.string() }),
]);

export const intentSeconds = 600;
export const intentCookieName = (cookie: SessionCookie) =>
  cookie.secure ? '__Host-crosswalk-intent' : 'crosswalk-intent';

/** What stands for a session in an intent: not the token itself. */
export const sessionMark = (token: string) => hashToken(token).toString('base64url');

/** The intent cookie's value. */
export function sealIntent(cookie: SessionCookie, intent: OidcIntent): Promise<string> {
  return encode({
    token: { ...intent },
    secret: [...cookie.secrets],
    salt: intentCookieName(cookie),
    maxAge: intentSeconds,
  });
}

async function readIntent(cookie: SessionCookie, headers: Headers): Promise<OidcIntent> {
  const value = readCookie(headers, intentCookieName(cookie));
  if (value === null) return { kind: 'sign-in' };
  try {
    return intentSchema.parse(
      await decode({ token: value, secret: [...cookie.secrets], salt: intentCookieName(cookie) }),
    );
  } catch {
    // Ran out or forged: then nothing more than signing in was meant.
    return { kind: 'sign-in' };
  }
}

export type AuthFacts = Pick<WebProcess, 'database' | 'keyring' | 'clock' | 'baseUrl' | 'cookie' | 'logger'> & {
  readonly env: Pick<WebProcess['env'], 'oidc'>;
};

/**
 * Auth.js for one request. Its session is a JWT in a cookie that carries our opaque session token and nothing else; what
 * the token is worth stands in the session row, which every request reads (server/trpc/context.ts). Providers: password,
 * and each OpenID provider of the environment with PKCE, state and nonce.
 */
export function authConfig(web: AuthFacts, request: { headers: Headers } | undefined): NextAuthConfig {
  const { cookie, logger } = web;
  /** The session that this very request opened; the jwt callback seals it. */
  let opened: OpenedSession | null = null;
  const [first, ...others] = cookie.secrets;

  /** After Auth.js validated the ID token: opens or links. A text is the page to go to instead. */
  const finishOidc = async (headers: Headers, providerId: string, claims: unknown): Promise<true | string> => {
    const { iss: issuer, sub: subject, name } = claimsSchema.parse(claims);
    const ctx = await contextOfRequest(web, { headers });
    const intent = await readIntent(cookie, headers);
    const device = await deviceOfRequest(cookie, headers);
    const identity = { issuer, subject };
    try {
      if (intent.kind === 'link') {
        const token = await readSessionToken(cookie, headers);
        if (token === null || sessionMark(token) !== intent.session) return '/account?problem=not-signed-in';
        const label = web.env.oidc.find((provider) => provider.id === providerId)?.label ?? providerId;
        await linkIdentity({ ctx, input: { ...identity, label } });
        return '/account?linked=1';
      }
      opened =
        intent.kind === 'invitation'
          ? await acceptInvitationWithOidc({
              ctx,
              input: { ...identity, token: intent.token, name: name?.slice(0, 200) ?? null, device },
            })
          : await signInWithOidc({ ctx, input: { ...identity, device } });
      return true;
    } catch (error) {
      if (!isCrosswalkError(error)) throw error;
      const problem = `?problem=${error.code}`;
      if (intent.kind === 'link') return `/account${problem}`;
      return intent.kind === 'invitation' ? `/invitation/${intent.token}${problem}` : `/sign-in${problem}`;
    }
  };

  return {
    basePath: '/api/auth',
    trustHost: true,
    secret: [first, ...others],
    useSecureCookies: cookie.secure,
    session: { strategy: 'jwt', maxAge: sessionAbsoluteMilliseconds / 1000 },
    cookies: {
      sessionToken: {
        name: cookie.name,
        options: { httpOnly: true, sameSite: 'lax', path: '/', secure: cookie.secure },
      },
    },
    pages: { signIn: '/sign-in', signOut: '/sign-out', error: '/sign-in' },
    logger: {
      // Auth.js puts what the browser sent into its messages; our logger takes class names and codes alone.
      error: (error) => logger.warn('sign-in did not succeed', { error }),
      warn: () => undefined,
      debug: () => undefined,
    },
    providers: [
      Credentials({
        id: 'password',
        credentials: { email: {}, password: {}, code: {} },
        authorize: async (given, { headers }) => {
          const parsed = credentialsSchema.safeParse(given);
          if (!parsed.success) throw new SignInRefused(parsed.error);
          const ctx = await contextOfRequest(web, { headers: withoutCookies(headers) });
          const device = await deviceOfRequest(cookie, headers);
          try {
            opened = await signInWithPassword({ ctx, input: { ...parsed.data, device } });
          } catch (error) {
            throw new SignInRefused(error);
          }
          return { id: opened.userId };
        },
      }),
      ...web.env.oidc.map((provider) => ({
        id: provider.id,
        name: provider.label,
        type: 'oidc' as const,
        issuer: provider.issuer,
        clientId: provider.clientId,
        clientSecret: provider.clientSecret,
        checks: ['pkce' as const, 'state' as const, 'nonce' as const],
        authorization: { params: { scope: 'openid profile' } },
        profile: (claims: { sub: string }) => ({ id: claims.sub }),
      })),
    ],
    callbacks: {
      signIn: ({ account, profile }) => {
        if (account?.type !== 'oidc') return true;
        return request === undefined ? false : finishOidc(request.headers, account.provider, profile);
      },
      jwt: ({ token }) => {
        if (opened !== null) return { sid: opened.token };
        return typeof token.sid === 'string' ? { sid: token.sid } : null;
      },
      // What a script could read at /api/auth/session: when the cookie ends, not who it is.
      session: ({ session }) => ({ expires: session.expires }),
    },
    events: {
      signOut: async (message) => {
        const token = 'token' in message ? message.token?.sid : null;
        if (typeof token !== 'string') return;
        const actor = await actorOfSession(web.database, token, web.clock.now());
        if (actor.kind !== 'user') return;
        const ctx = await contextOfRequest(web, { headers: new Headers() });
        await signOut({ ctx: { ...ctx, actor }, input: {} });
      },
    },
  };
}

/** Signing in is done as nobody, whoever the browser was before. */
function withoutCookies(headers: Headers): Headers {
  const plain = new Headers(headers);
  plain.delete('cookie');
  return plain;
}
