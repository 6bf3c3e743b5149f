import ipaddr from 'ipaddr.js';

/**
 * Where an address lies. `public` is globally reachable unicast. `never` is what no operator may list either, since no
 * system of a school answers there: link-local and other metadata addresses, multicast, reserved and tunnel ranges.
 */
export type AddressReach = 'public' | 'loopback' | 'private' | 'never';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

const globalUnicast6 = ipaddr.parseCIDR('2000::/3');
const nat64 = ipaddr.parseCIDR('64:ff9b::/96');
/** Where clouds serve metadata outside link-local: Alibaba, Azure's host, AWS and Google over IPv6. */
const metadata = ['100.100.100.200/32', '168.63.129.16/32', 'fd00:ec2::/32', 'fd20:ce::/32'].map((network) =>
  ipaddr.parseCIDR(network),
);

/** The address in one form, IPv4 taken out of `::ffff:a.b.c.d` and of NAT64 (RFC 6052); null where it is no address. */
export function parseAddress(text: string): Address | null {
  // A zone ("fe80::1%eth0") names an interface of ours: nothing that lies outside has one.
  if (text.includes('%') || !ipaddr.isValid(text)) return null;
  const address = ipaddr.process(text);
  return address.kind() === 'ipv6' && address.match(nat64)
    ? ipaddr.fromByteArray(address.toByteArray().slice(12))
    : address;
}

/** Whether the address lies in the network; never across families. */
export function isInNetwork(address: Address, network: Network): boolean {
  const [base, bits] = network;
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
  return base instanceof ipaddr.IPv6 && address.match(base, bits);
}

/** `10.0.0.0/8`, `fd12::/16` or a single address; null where it is neither. */
export function parseNetwork(text: string): Network | null {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  const address = parseAddress(text);
  return address === null ? null : [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Sorts an address of `parseAddress`; what is not known to be public is not public. */
export function reachOf(address: Address): AddressReach {
  if (metadata.some((network) => isInNetwork(address, network))) return 'never';
  switch (address.range()) {
    case 'unicast':
      return address instanceof ipaddr.IPv4 || isInNetwork(address, globalUnicast6) ? 'public' : 'never';
    case 'loopback':
      return 'loopback';
    case 'private':
    case 'uniqueLocal':
    case 'carrierGradeNat':
      return 'private';
    default:
      return 'never';
  }
}
