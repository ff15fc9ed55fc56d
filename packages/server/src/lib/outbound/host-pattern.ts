/** Hosts as people list them: `hooks.internal`, `.internal`, `*.internal`, `10.1.0.0/16`, `[fd00::]/8`, `host:8443`, `*`. */
import { BlockList, isIP } from 'node:net';
import { domainToASCII } from 'node:url';

export interface HostPattern {
  /** Undefined matches every host (`*`). */
  readonly host: NameMatch | NetworkMatch | undefined;
  readonly port: number | undefined;
}

interface NameMatch {
  /** Lower case, without dots at its ends. */
  readonly name: string;
  /** The entry started with a dot or `*.`. */
  readonly below: boolean;
}

interface NetworkMatch {
  readonly family: 4 | 6;
  readonly network: BlockList;
}

/** Undefined if the text is not a valid pattern. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const { rest, port } = splitPort(text.trim().toLowerCase());
  if (port !== undefined && !(port >= 1 && port <= 65_535)) return undefined;
  if (rest === '*') return { host: undefined, port };
  const network = parseNetwork(rest);
  if (network !== undefined) return { host: network, port };
  const below = /^(\*?\.)/.test(rest);
  const written = rest.replace(/^\*?\./, '').replace(/\.$/, '');
  // Only names beyond ASCII: for others it would convert `10.0` to an address.
  const name = /^[ -~]*$/.test(written) ? written : domainToASCII(written);
  return /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/.test(name) && !/^[0-9.]+$/.test(name)
    ? { host: { name, below }, port }
    : undefined;
}

/** `10.0.0.1`, `[::1]`, `10.0.0.0/8`, `fd00::/8`; a single address is a network with one address. */
function parseNetwork(text: string): NetworkMatch | undefined {
  const [, bracketed, bare, bits] = /^(?:\[([0-9a-f:.]+)\]|([0-9a-f:.]+))(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = bracketed ?? bare ?? '';
  const family = isIP(address);
  if (family !== 4 && family !== 6) return undefined;
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) return undefined;
  const network = new BlockList();
  network.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return { family, network };
}

function splitPort(text: string): { readonly rest: string; readonly port: number | undefined } {
  // An IPv6 address without brackets has colons too: only a single colon, or one after a bracket, starts a port.
  const [, rest = text, port] = /^(\[[^\]]*\](?:\/\d+)?|[^:]*):(\d+)$/.exec(text) ?? [];
  return { rest, port: port === undefined ? undefined : Number(port) };
}

export function matchesAddress(pattern: HostPattern, address: string, port: number): boolean {
  if (pattern.port !== undefined && pattern.port !== port) return false;
  const { host } = pattern;
  return host !== undefined && 'network' in host && inNetwork(host, address);
}

/** `exact`: `a.b` matches only `a.b`, and `.a.b` only its subdomains; otherwise both match `a.b` and its subdomains. */
export function matchesName(pattern: HostPattern, name: string, port: number, exact: boolean): boolean {
  if (pattern.port !== undefined && pattern.port !== port) return false;
  const { host } = pattern;
  if (host === undefined || 'network' in host) return false;
  const plain = name.toLowerCase().replace(/\.$/, '');
  if (plain === host.name) return !(exact && host.below);
  return (!exact || host.below) && plain.endsWith(`.${host.name}`);
}

function inNetwork({ family, network }: NetworkMatch, address: string): boolean {
  // BlockList also matches IPv4 rules for `::ffff:a.b.c.d`, so each family has its own list.
  return isIP(address) === family && network.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
