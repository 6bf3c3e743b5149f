import { createHash, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { decode, encode } from 'next-auth/jwt';
import { z } from 'zod';
import { readCookie, type SessionCookie } from './session-token.ts';

/** What a request says of the browser that it came from. */
export interface Device {
  /** The client's address shortened: IPv4 /24, IPv6 /48. Shown to the person as "where". */
  readonly network: string | null;
  /** What tries are counted by: IPv4 address, IPv6 /64. */
  readonly networkKey: string;
  readonly userAgent: string | null;
  /** Sealed in the device cookie at earlier sign-ins. */
  readonly known: KnownDevice | null;
}

export interface KnownDevice {
  readonly nonce: string;
  /** Hashes of the folded addresses that signed in here, the last eight. */
  readonly accounts: readonly string[];
}

export const deviceDays = 400;
export const deviceCookieName = (cookie: SessionCookie) =>
  cookie.secure ? '__Host-crosswalk-device' : 'crosswalk-device';

const payloadSchema = z.object({ dev: z.string(), acc: z.array(z.string()) });
const accountHash = (folded: string) => createHash('sha256').update(folded).digest('base64url').slice(0, 22);

/** Whether this address has signed in on this device before. */
export const deviceKnows = (device: Device, folded: string) =>
  device.known?.accounts.includes(accountHash(folded)) ?? false;

/** Reads what the throttle and the list of sessions need of a request. */
export async function deviceOfRequest(cookie: SessionCookie, headers: Headers): Promise<Device> {
  const address = clientAddress(headers);
  return {
    network: address === null || isOwnMachine(address) ? null : shorten(address, 24, 48),
    networkKey: networkKeyOf(headers),
    userAgent: headers.get('user-agent')?.slice(0, 300) ?? null,
    known: await readDevice(cookie, headers),
  };
}

/** What tries are counted by that come without a device: an IPv4 address or an IPv6 /64. */
export function networkKeyOf(headers: Headers): string {
  const address = clientAddress(headers);
  return address === null ? 'unknown' : shorten(address, 32, 64);
}

async function readDevice(cookie: SessionCookie, headers: Headers): Promise<KnownDevice | null> {
  const name = deviceCookieName(cookie);
  const value = readCookie(headers, name);
  if (value === null) return null;
  try {
    const parsed = payloadSchema.parse(await decode({ token: value, secret: [...cookie.secrets], salt: name }));
    return { nonce: parsed.dev, accounts: parsed.acc };
  } catch {
    // Forged, expired or of another installation: an unknown device.
    return null;
  }
}

/** The device cookie's value after this address signed in. */
export function rememberDevice(cookie: SessionCookie, device: Device, folded: string): Promise<string> {
  const hash = accountHash(folded);
  const accounts = [hash, ...(device.known?.accounts ?? []).filter((other) => other !== hash)].slice(0, 8);
  return encode({
    token: { dev: device.known?.nonce ?? randomBytes(16).toString('base64url'), acc: [...accounts] },
    secret: [...cookie.secrets],
    salt: deviceCookieName(cookie),
    maxAge: deviceDays * 24 * 60 * 60,
  });
}

/**
 * The address that the nearest proxy saw: the last of `x-forwarded-for`. Earlier ones are whatever the client wrote.
 * Without a proxy Next sets the header itself.
 */
function clientAddress(headers: Headers): string | null {
  const last = headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() ?? '';
  const plain = last.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) === 0 ? null : plain;
}

const isOwnMachine = (address: string) => address === '::1' || address.startsWith('127.');

function shorten(address: string, bits4: number, bits6: number): string {
  if (isIP(address) === 4) {
    const parts = address.split('.').map((part, index) => (index * 8 < bits4 ? part : '0'));
    return bits4 === 32 ? parts.join('.') : `${parts.join('.')}/${bits4}`;
  }
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  const kept = groups.slice(0, bits6 / 16).map((group) => Number.parseInt(group, 16).toString(16));
  return `${kept.join(':')}::/${bits6}`;
}
