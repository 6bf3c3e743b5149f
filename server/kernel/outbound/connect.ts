import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { connect as connectTo, isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { CrosswalkError } from '../errors.ts';
import { parseAddress } from './address.ts';
import { addressRefused, isAllowed, type OutboundPolicy, parseSshTarget, parseTarget, type Target } from './target.ts';

/** Finds a name's addresses; the system's resolver by default. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export const resolveBySystem: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true, verbatim: true }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    );
  });

/**
 * Addresses of a target, each of them allowed. One forbidden address among several refuses them all: a name that points
 * inside as well as outside is not a public name.
 */
export async function resolveAllowed(
  target: Target,
  policy: OutboundPolicy,
  resolve: Resolve,
): Promise<readonly LookupAddress[]> {
  const family = isIP(target.hostname);
  const found = family === 0 ? await resolve(target.hostname) : [{ address: target.hostname, family }];
  if (found.length === 0) throw new CrosswalkError('host-unknown', { details: { host: target.hostname } });
  for (const { address } of found) {
    const parsed = parseAddress(address);
    if (parsed === null || !isAllowed(target, parsed, policy)) throw addressRefused('not-public', target.hostname);
  }
  return found;
}

/** Answers a socket's look-up with what was checked, whatever it asks for: nothing resolves a second time. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else if (first !== undefined) callback(null, first.address, first.family);
  };
}

/** A resolver has no time-out of its own to rely on. */
async function within<T>(timeoutMs: number, host: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CrosswalkError('timed-out', { details: { host, reason: 'name-resolution' } })),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ConnectOptions {
  readonly policy: OutboundPolicy;
  readonly resolve: Resolve;
  readonly timeoutMs: number;
  /** Certificate authorities besides the system's; for tests and on-premise systems. */
  readonly certificateAuthorities?: readonly string[];
}

/**
 * A connector for undici that resolves once, checks every address, connects to exactly these and checks once more which
 * one answered.
 */
export function createConnector(options: ConnectOptions): buildConnector.connector {
  const authorities = options.certificateAuthorities;
  return (wanted, callback) => {
    const connect = async () => {
      const target = parseTarget(`${wanted.protocol}//${wanted.host ?? wanted.hostname}`, options.policy);
      const addresses = await within(
        options.timeoutMs,
        target.hostname,
        resolveAllowed(target, options.policy, options.resolve),
      );
      const connector = buildConnector({
        timeout: options.timeoutMs,
        allowH2: false,
        lookup: pinned(addresses),
        // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        ...(authorities === undefined ? {} : { ca: [...authorities] }),
      });
      connector(wanted, (error, socket) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        const answered = parseAddress(socket.remoteAddress ?? '');
        if (answered === null || !isAllowed(target, answered, options.policy)) {
          socket.destroy();
          callback(addressRefused('not-public', target.hostname), null);
          return;
        }
        callback(null, socket);
      });
    };
    connect().catch((error: unknown) => callback(error instanceof Error ? error : new Error('connect'), null));
  };
}

/**
 * A bare connection to a server of SSH under the same rules as every other: resolved once, each address checked, connected to exactly
 * these, and checked once more which one answered.
 * @throws CrosswalkError `address-refused`, `host-unknown`, `timed-out`; what the socket says as it stands
 */
export async function connectForSsh(host: string, port: number, options: ConnectOptions): Promise<Socket> {
  const target = parseSshTarget(host, port, options.policy);
  const addresses = await within(
    options.timeoutMs,
    target.hostname,
    resolveAllowed(target, options.policy, options.resolve),
  );
  const socket = connectTo({ host: target.hostname, port, lookup: pinned(addresses) });
  try {
    await within(
      options.timeoutMs,
      target.hostname,
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      }),
    );
    const answered = parseAddress(socket.remoteAddress ?? '');
    if (answered === null || !isAllowed(target, answered, options.policy)) {
      throw addressRefused('not-public', target.hostname);
    }
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
