/**
 * Selects the proxy of a call by the rules of curl: HTTPS_PROXY for https, HTTP_PROXY for http, unless NO_PROXY
 * contains the host.
 */
import { isIP } from 'node:net';
import type { Fail } from './error-code.ts';
import { matchesAddress, matchesName, parseHostPattern, type HostPattern } from './host-pattern.ts';

export interface ProxySettings {
  /** `http://user:password@proxy:3128`; a bare `proxy:3128` means http. Empty counts as not given. */
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Each entry may itself be a list separated by commas or blanks. */
  readonly noProxy: readonly string[];
}

/** @throws the error of `fail` with `invalid_config` for a proxy that cannot be used; its text is not repeated. */
export function createProxyChoice(settings: ProxySettings, fail: Fail): (url: URL) => string | undefined {
  const proxies = {
    'http:': readProxy(settings.httpProxy, 'HTTP', fail),
    'https:': readProxy(settings.httpsProxy, 'HTTPS', fail),
  };
  // An invalid entry matches nothing: NO_PROXY is shared with other programs and their extensions.
  const bypass = settings.noProxy
    .flatMap((list) => list.split(/[\s,]+/))
    .filter((entry) => entry !== '')
    .flatMap((entry) => parseHostPattern(entry) ?? []);
  return (url) => {
    const proxy = proxies[url.protocol as keyof typeof proxies];
    return proxy === undefined || bypassed(bypass, url) ? undefined : proxy;
  };
}

function bypassed(patterns: readonly HostPattern[], url: URL): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return patterns.some((pattern) => {
    if (pattern.host === undefined) return pattern.port === undefined || pattern.port === port;
    return isIP(host) === 0 ? matchesName(pattern, host, port, false) : matchesAddress(pattern, host, port);
  });
}

function readProxy(text: string | undefined, scheme: string, fail: Fail): string | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const full = text.includes('://') ? text.trim() : `http://${text.trim()}`;
  if (!URL.canParse(full) || !['http:', 'https:'].includes(new URL(full).protocol)) {
    throw fail('invalid_config', `the proxy for ${scheme} is not an http:// or https:// URL`);
  }
  return full;
}
