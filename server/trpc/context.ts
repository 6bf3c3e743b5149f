import { type Database, openDatabase } from '#db/client.ts';
import { urlForRole } from '#db/roles.ts';
import { actorOfLink } from '#server/features/people/actor-of-link.ts';
import { actorOfSession } from '#server/features/people/actor-of-session.ts';
import { readSessionToken, type SessionCookie, sessionCookie } from '#server/features/people/session-token.ts';
import { type Clock, systemClock } from '#server/kernel/clock.ts';
import type { Actor, Context } from '#server/kernel/context.ts';
import { followKeyring, loadKeyring } from '#server/kernel/data-keys.ts';
import { type Environment, loadEnvironment } from '#server/kernel/env.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { createLogger, type Logger } from '#server/kernel/log.ts';
import type { Keyring } from '#server/kernel/sealed.ts';

/** What the web process opens once and every request shares. */
export interface WebProcess {
  readonly env: Environment;
  readonly database: Database;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly baseUrl: string;
  readonly cookie: SessionCookie;
  readonly logger: Logger;
}

declare global {
  // Survives the module reloads of `next dev`, which would else leave a pool behind at each one.
  var crosswalkWebProcess: Promise<WebProcess> | undefined;
}

/** Opens database, keys and log of this process at the first call. */
export function webProcess(): Promise<WebProcess> {
  globalThis.crosswalkWebProcess ??= openWebProcess().catch((error: unknown) => {
    globalThis.crosswalkWebProcess = undefined;
    throw error;
  });
  return globalThis.crosswalkWebProcess;
}

async function openWebProcess(): Promise<WebProcess> {
  const env = loadEnvironment();
  const logger = createLogger({ component: 'web', level: env.logLevel });
  const [masterKey] = env.masterKeys;
  const { url, webUrl, prepare } = env.database;
  const as = webUrl ?? (url === null || masterKey === undefined ? null : urlForRole(url, masterKey.base64, 'web'));
  if (as === null) throw new CrosswalkError('misconfigured', { details: { problem: 'database-url-missing' } });
  const database = openDatabase(as, { prepare, name: 'crosswalk-web' });
  const keyring = await loadKeyring(database, env);
  followKeyring(keyring, (error) => logger.error('data keys could not be read again', { error }));
  return { env, database, keyring, clock: systemClock, baseUrl: env.baseUrl, cookie: sessionCookie(env), logger };
}

/** A request as far as its context depends on it: a `Request`, or the headers of a server component. */
export interface RequestFacts {
  readonly headers: Headers;
  /** The token in the address of a page that needs no account; a browser sends it as `x-crosswalk-link`. */
  readonly linkToken?: string | null;
}

/** The context of one request, its actor read anew from the session cookie or the single-use link. */
export async function createContext(request: RequestFacts): Promise<Context> {
  return contextOfRequest(await webProcess(), request);
}

/** `createContext` with everything handed in. */
export async function contextOfRequest(
  web: Pick<WebProcess, 'database' | 'keyring' | 'clock' | 'baseUrl' | 'cookie'>,
  request: RequestFacts,
): Promise<Context> {
  const { database, keyring, clock, baseUrl } = web;
  const given = idSchema.safeParse(request.headers.get('x-request-id'));
  const requestId = given.success ? given.data : newId();
  return { actor: await actorOfRequest(web, request), database, keyring, clock, baseUrl, requestId };
}

async function actorOfRequest(
  web: Pick<WebProcess, 'database' | 'clock' | 'cookie'>,
  request: RequestFacts,
): Promise<Actor> {
  const link = request.linkToken ?? request.headers.get('x-crosswalk-link');
  if (link !== null && link !== '') return actorOfLink(web.database, link, web.clock.now());
  const token = await readSessionToken(web.cookie, request.headers);
  return token === null ? { kind: 'anonymous' } : actorOfSession(web.database, token, web.clock.now());
}
