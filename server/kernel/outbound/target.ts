import { CrosswalkError } from '../errors.ts';
import { type Address, isInNetwork, type Network, parseAddress, parseNetwork, reachOf } from './address.ts';

/** What `OUTBOUND_ALLOW` lists: hosts, hosts with a port, networks. */
export interface AllowEntry {
  readonly host: string | null;
  readonly port: number | null;
  readonly network: Network | null;
}

/** Which addresses this installation lets itself be sent to. */
export interface OutboundPolicy {
  readonly mode: 'demo' | 'production';
  readonly allow: readonly AllowEntry[];
}

/** Why an address is refused: `details.problem` of `address-refused`, a key of messages/<locale>/errors.json. */
export type AddressProblem =
  | 'not-an-address'
  | 'not-https'
  | 'user-info'
  | 'port-refused'
  | 'not-public'
  | 'redirected'
  | 'redirected-elsewhere'
  | 'redirected-to-plain-http'
  | 'redirected-too-often'
  | 'other-origin';

export function addressRefused(problem: AddressProblem, host: string | null = null): CrosswalkError {
  return new CrosswalkError('address-refused', { details: host === null ? { problem } : { problem, host } });
}

const hostPattern = /^(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/;

/** Spelled in full: "10.1" is 10.0.0.1 to a resolver and hardly ever what was meant. */
const literalShape = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)(?:\/\d{1,3})?$/;
const parseListed = (text: string) => (literalShape.test(text) ? parseNetwork(text) : null);

/**
 * One entry of `OUTBOUND_ALLOW`: `sis.school.example`, `sis.school.example:8443`, `10.20.0.0/16`, `10.20.0.9:8443`,
 * `[fd12::1]:443`; null where it is none.
 */
export function parseAllowEntry(text: string): AllowEntry | null {
  const entry = text.trim().toLowerCase();
  const bare = parseListed(entry);
  if (bare !== null) return { host: null, port: null, network: bare };
  const [, bracketed, named = '', portText] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+?)\.?)(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const network = parseListed(bracketed ?? named);
  if (network !== null) return { host: null, port, network };
  return hostPattern.test(named) && parseAddress(named) === null ? { host: named, port, network: null } : null;
}

/** The list as written in the environment; `wrong` holds what could not be read. */
export function parseAllowList(text: string): { entries: AllowEntry[]; wrong: string[] } {
  const entries: AllowEntry[] = [];
  const wrong: string[] = [];
  for (const part of text.split(/[\s,]+/).filter((word) => word !== '')) {
    const entry = parseAllowEntry(part);
    if (entry === null) wrong.push(part);
    else entries.push(entry);
  }
  return { entries, wrong };
}

/** Where a request is about to go. `hostname` is bare (no brackets, no trailing dot) and lower case. */
export interface Target {
  readonly url: URL;
  readonly hostname: string;
  readonly port: number;
}

const bareHost = (hostname: string) => hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

/**
 * Ports of other services that a TLS or HTTP greeting must not be sent to: everything below 1024 but 443, and the bad
 * ports of the Fetch standard (§2.9) above.
 */
const badPorts = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
]);

/**
 * Reads a typed-in or foreign address and refuses what can be refused without asking the network: no https, user-info,
 * another service's port, a literal address that is not public. WHATWG parsing brings every spelling of an IPv4 address
 * (decimal, octal, hexadecimal, shortened, full-width) to one. The rest is decided at connect time by `isAllowed`.
 * @throws CrosswalkError `address-refused`
 */
export function parseTarget(address: string | URL, policy: OutboundPolicy): Target {
  return readTarget(address, policy, [443]);
}

/** @param ownPorts ports below 1024 that belong to what will be spoken */
function readTarget(address: string | URL, policy: OutboundPolicy, ownPorts: readonly number[]): Target {
  const url = URL.parse(String(address));
  if (url === null || url.hostname === '') throw addressRefused('not-an-address');
  const hostname = bareHost(url.hostname);
  if (hostname.split('.').includes('')) throw addressRefused('not-an-address');
  if (url.username !== '' || url.password !== '') throw addressRefused('user-info', hostname);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw addressRefused('not-https', hostname);
  // "localhost." is "localhost": one origin for both, in comparisons and in the pool.
  if (url.hostname.endsWith('.')) url.hostname = hostname;
  url.hash = '';
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const target: Target = { url, hostname, port };
  const literal = parseAddress(hostname);
  if (literal !== null && !isAllowed(target, literal, policy)) {
    throw addressRefused(
      url.protocol === 'http:' && reachOf(literal) !== 'loopback' ? 'not-https' : 'not-public',
      hostname,
    );
  }
  const local = literal === null ? isLocalName(hostname) : reachOf(literal) === 'loopback';
  if (url.protocol === 'http:' && !local) throw addressRefused('not-https', hostname);
  if (local && literal === null && policy.mode !== 'demo' && !mayReachLocalName(target, policy)) {
    throw addressRefused('not-public', hostname);
  }
  if (!local && ((port < 1024 && !ownPorts.includes(port)) || badPorts.has(port)) && !isPortListed(target, policy)) {
    throw addressRefused('port-refused', hostname);
  }
  return target;
}

/**
 * The same for a server of SSH: its own port 22 besides those that `parseTarget` lets through.
 * @throws CrosswalkError `address-refused`
 */
export function parseSshTarget(host: string, port: number, policy: OutboundPolicy): Target {
  const bare = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const url = URL.parse(`https://${bare}`);
  if (url === null || url.port !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw addressRefused('not-an-address');
  }
  return readTarget(`https://${bare}:${port}`, policy, [443, 22]);
}

/** RFC 6761 §6.3: these names are the machine itself, whatever a resolver says. */
function isLocalName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost');
}

const portFits = (entry: AllowEntry, target: Target) => entry.port === null || entry.port === target.port;

function isHostListed(target: Target, policy: OutboundPolicy): boolean {
  return policy.allow.some((entry) => entry.host === target.hostname && portFits(entry, target));
}

function isPortListed(target: Target, policy: OutboundPolicy): boolean {
  const literal = parseAddress(target.hostname);
  return policy.allow.some(
    (entry) =>
      entry.port === target.port &&
      (entry.host === target.hostname ||
        (literal !== null && entry.network !== null && isInNetwork(literal, entry.network))),
  );
}

function mayReachLocalName(target: Target, policy: OutboundPolicy): boolean {
  return (
    isHostListed(target, policy) || policy.allow.some((entry) => entry.network !== null && isLoopback(entry.network))
  );
}

const isLoopback = ([base]: Network) => reachOf(base) === 'loopback';

/**
 * Whether a connection to this very address may be made for this target: asked of the resolved address that is used, at
 * connect time. Public over https always; loopback for local names and literals in demo mode; else what is listed.
 */
export function isAllowed(target: Target, address: Address, policy: OutboundPolicy): boolean {
  const reach = reachOf(address);
  if (reach === 'never') return false;
  if (target.url.protocol === 'http:' && reach !== 'loopback') return false;
  if (reach === 'public') return true;
  const listedNetwork = policy.allow.some(
    (entry) => entry.network !== null && portFits(entry, target) && isInNetwork(address, entry.network),
  );
  if (listedNetwork) return true;
  if (reach === 'private') return isHostListed(target, policy);
  // Loopback: a listed name that comes to point here would reach our own services, so the name itself must be local.
  const local = isLocalName(target.hostname) || parseAddress(target.hostname) !== null;
  return local && (policy.mode === 'demo' || isHostListed(target, policy));
}

/**
 * Holds a link from a foreign answer (`Link: …; rel="next"`, a paging URL) to the origin that the credential is good for.
 * @returns the link, absolute.
 * @throws CrosswalkError `address-refused` with problem `other-origin` or `not-an-address`
 */
export function assertSameOrigin(link: string, base: string | URL): URL {
  const expected = URL.parse(String(base));
  const url = expected === null ? null : URL.parse(link, expected);
  if (expected === null || url === null) throw addressRefused('not-an-address');
  if (url.username !== '' || url.password !== '') throw addressRefused('user-info', bareHost(url.hostname));
  if (originOf(url) !== originOf(expected)) throw addressRefused('other-origin', bareHost(url.hostname));
  return url;
}

/** Scheme, host and port, with no trailing dot: what a confirmed host means. */
export function originOf(address: string | URL): string {
  const url = new URL(String(address));
  if (url.hostname.endsWith('.')) url.hostname = bareHost(url.hostname);
  return url.origin;
}
