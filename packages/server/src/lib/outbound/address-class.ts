/** Which IP addresses are on the public internet, after the IANA special-purpose registries (IPv4 and IPv6). */
import { BlockList, isIP } from 'node:net';

/**
 * `local`: reachable only from inside (loopback, private, shared); an operator can allow it by name. `never`: no
 * legitimate destination (metadata services, multicast, embedded IPv4); only an explicit network allows it.
 */
export interface SpecialUse {
  readonly class: 'local' | 'never';
  readonly what: string;
}

const IPV4: readonly (readonly [network: string, bits: number, SpecialUse['class'], what: string])[] = [
  ['0.0.0.0', 8, 'never', 'an unspecified address'],
  ['10.0.0.0', 8, 'local', 'a private address'],
  // Alibaba Cloud's metadata service is in the shared range; Azure's is a public address.
  ['100.100.100.200', 32, 'never', 'a metadata service'],
  ['168.63.129.16', 32, 'never', 'a metadata service'],
  ['100.64.0.0', 10, 'local', 'a shared (carrier-grade NAT) address'],
  ['127.0.0.0', 8, 'local', 'a loopback address'],
  ['169.254.0.0', 16, 'never', 'a link-local address, where metadata services are'],
  ['172.16.0.0', 12, 'local', 'a private address'],
  ['192.0.0.0', 24, 'never', 'a reserved address'],
  ['192.0.2.0', 24, 'never', 'an address for documentation'],
  ['192.88.99.0', 24, 'never', 'a 6to4 relay address'],
  ['192.168.0.0', 16, 'local', 'a private address'],
  ['198.18.0.0', 15, 'local', 'an address for benchmarks'],
  ['198.51.100.0', 24, 'never', 'an address for documentation'],
  ['203.0.113.0', 24, 'never', 'an address for documentation'],
  ['224.0.0.0', 4, 'never', 'a multicast address'],
  ['240.0.0.0', 4, 'never', 'a reserved address'],
];

const IPV6: typeof IPV4 = [
  ['::', 128, 'never', 'an unspecified address'],
  ['::1', 128, 'local', 'a loopback address'],
  ['::ffff:0:0', 96, 'never', 'an IPv4 address inside an IPv6 one'],
  ['::', 96, 'never', 'an IPv4 address inside an IPv6 one'],
  ['64:ff9b::', 96, 'never', 'an IPv4 address behind NAT64'],
  ['64:ff9b:1::', 48, 'never', 'an IPv4 address behind NAT64'],
  ['2002::', 16, 'never', 'an IPv4 address behind 6to4'],
  ['2001::', 32, 'never', 'an IPv4 address behind Teredo'],
  ['2001::', 23, 'never', 'a reserved address'],
  ['2001:db8::', 32, 'never', 'an address for documentation'],
  ['3fff::', 20, 'never', 'an address for documentation'],
  // Amazon's metadata service over IPv6.
  ['fd00:ec2::254', 128, 'never', 'a metadata service'],
  ['fd20:ce::254', 128, 'never', 'a metadata service'],
  ['fc00::', 7, 'local', 'a private address'],
  ['fe80::', 10, 'never', 'a link-local address'],
  ['ff00::', 8, 'never', 'a multicast address'],
];

const table4 = IPV4.map((row) => compile(row, 'ipv4'));
const table6 = IPV6.map((row) => compile(row, 'ipv6'));
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

function compile([network, bits, use, what]: (typeof IPV4)[number], family: 'ipv4' | 'ipv6') {
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return { list, use: { class: use, what } satisfies SpecialUse };
}

/** Undefined for an address on the public internet. Text that is no IP address counts as reserved. */
export function specialUse(address: string): SpecialUse | undefined {
  if (isIP(address) === 4) return table4.find(({ list }) => list.check(address, 'ipv4'))?.use;
  if (isIP(address) === 6) {
    const known = table6.find(({ list }) => list.check(address, 'ipv6'))?.use;
    if (known !== undefined) return known;
    if (globalUnicast.check(address, 'ipv6')) return undefined;
  }
  return { class: 'never', what: 'a reserved address' };
}
