/**
 * Decides which hosts may be called when the URL comes from a user (server-side request forgery). The name is resolved
 * here, all of its addresses must be public or allowed, and the caller connects to exactly these addresses: a name that
 * resolves differently later (DNS rebinding) has no effect.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { specialUse, type SpecialUse } from './address-class.ts';
import type { Fail } from './error-code.ts';
import { matchesAddress, matchesName, parseHostPattern, type HostPattern } from './host-pattern.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** All addresses of a name, in the order to try them; throws when there are none. */
export type Resolve = (name: string) => Promise<readonly Address[]>;

/** The system's own resolver: hosts file, then DNS, as every other program on the machine sees it. */
export const systemResolve: Resolve = async (name) =>
  (await lookup(name, { all: true, order: 'verbatim' })).map(({ address, family }) => ({
    address,
    family: family === 6 ? 6 : 4,
  }));

export interface AddressGuardOptions {
  /**
   * Hosts that may be called although they are not public. A name allows local addresses, but not metadata services or
   * multicast; a network allows all of its addresses.
   */
  readonly allowHosts: readonly string[];
  readonly resolve: Resolve;
  readonly fail: Fail;
  /** Addresses of this machine, which are refused even if they are public; default: those of its interfaces. */
  readonly ownAddresses?: () => ReadonlySet<string>;
}

export interface AddressGuard {
  /**
   * The addresses of `host` (a name or an IP address in any spelling that URLs take), all of which may be called.
   * @throws the error of `fail`: `address_refused` naming the host, the reason and the setting; `upstream_failed` when
   *   the name cannot be resolved.
   */
  check(host: string, port: number): Promise<readonly Address[]>;
  /** As `check` for an address that is an IP already; names pass. For callers that check names when they connect. */
  checkLiteral(host: string, port: number): void;
  /**
   * For connections through a proxy, which resolves the name itself and can know more names: refuses IP addresses, and
   * names that resolve to a refused address here; a name that does not resolve here is permitted.
   */
  checkForProxy(host: string, port: number): Promise<void>;
}

/** @throws the error of `fail` with `invalid_config` for an entry of `allowHosts` that is no host or network. */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const { resolve, fail, ownAddresses = machineAddresses() } = options;
  const allowed = options.allowHosts.map((text) => {
    const pattern = parseHostPattern(text);
    if (pattern?.host === undefined) {
      throw fail(
        'invalid_config',
        `outbound.allowHosts: ${text} is not a host name, address or network such as 10.1.0.0/16`,
      );
    }
    return pattern;
  });

  function refuse(host: string, address: string, port: number): void {
    const reason = refusal(allowed, ownAddresses, host, address, port);
    if (reason === undefined) return;
    const where = host === address ? `${host} is ${reason}` : `${host} resolves to ${address}, ${reason}`;
    throw fail('address_refused', `${where}. An administrator can allow it with outbound.allowHosts`);
  }

  function read(host: string): string {
    const plain = canonicalHost(host);
    if (plain === undefined) throw fail('address_refused', 'the URL has no valid host name');
    return plain;
  }

  function checkLiteral(host: string, port: number): void {
    const plain = read(host);
    if (isIP(plain) !== 0) refuse(plain, plain, port);
  }

  return {
    checkLiteral,
    async check(host, port) {
      const plain = read(host);
      const family = isIP(plain);
      const addresses: readonly Address[] =
        family === 4 || family === 6 ? [{ address: plain, family }] : await resolveOrFail(resolve, plain, fail);
      for (const { address } of addresses) refuse(plain, address, port);
      return addresses;
    },
    async checkForProxy(host, port) {
      checkLiteral(host, port);
      const addresses = await resolve(read(host)).catch((): readonly Address[] => []);
      for (const { address } of addresses) refuse(read(host), address, port);
    },
  };
}

const OWN: SpecialUse = { class: 'local', what: 'an address of this machine' };

function refusal(
  allowed: readonly HostPattern[],
  ownAddresses: () => ReadonlySet<string>,
  host: string,
  address: string,
  port: number,
): string | undefined {
  const use = specialUse(address) ?? (ownAddresses().has(address) ? OWN : undefined);
  if (use === undefined || allowed.some((pattern) => matchesAddress(pattern, address, port))) return undefined;
  const named = use.class === 'local' && allowed.some((pattern) => matchesName(pattern, host, port, true));
  return named ? undefined : use.what;
}

/** How long the list of interfaces is cached; a system call takes about 0.1 ms. */
const INTERFACES_MS = 10_000;

function machineAddresses(): () => ReadonlySet<string> {
  let known: ReadonlySet<string> = new Set();
  let readAt = -Infinity;
  return () => {
    if (performance.now() - readAt > INTERFACES_MS) {
      const all = Object.values(networkInterfaces()).flatMap((interfaces) => interfaces ?? []);
      known = new Set(all.map(({ address }) => address.toLowerCase()));
      readAt = performance.now();
    }
    return known;
  };
}

async function resolveOrFail(resolve: Resolve, name: string, fail: Fail): Promise<readonly Address[]> {
  let addresses: readonly Address[];
  try {
    addresses = await resolve(name);
  } catch (cause) {
    throw fail('upstream_failed', `the name ${name} cannot be resolved (${codeOf(cause)})`, cause);
  }
  if (addresses.length === 0) throw fail('upstream_failed', `the name ${name} has no address`);
  return addresses;
}

/**
 * The host as a connection would see it: lower case, punycode, and `0x7f.1`, `2130706433` or `017700000001` written as
 * the address that they are. Undefined when it is no host at all.
 */
export function canonicalHost(host: string): string | undefined {
  if (isIP(host) === 6) return canonicalHost(`[${host}]`);
  const text = `http://${host}/`;
  if (/[\s/\\?#@]|:\d*$/.test(host) || !URL.canParse(text)) return undefined;
  const { hostname } = new URL(text);
  return hostname === '' ? undefined : hostname.replace(/^\[(.*)\]$/, '$1');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
