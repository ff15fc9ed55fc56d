/** Node's `fetch` ignores proxies; a client behind one gets a `fetch` that uses them. */
import type { Fetch } from '@dais/api';

const NAMES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'] as const;

/** Undefined for a direct connection. */
export async function proxiedFetch(
  url: string,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Fetch | undefined> {
  if (NAMES.every((name) => !variables[name]) || isLoopback(url)) return undefined;
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: variables['HTTP_PROXY'] ?? variables['http_proxy'] ?? '',
    httpsProxy: variables['HTTPS_PROXY'] ?? variables['https_proxy'] ?? '',
    noProxy: variables['NO_PROXY'] ?? variables['no_proxy'] ?? '',
  });
  const call = (input: string, init: object | undefined) => fetch(input, { ...init, dispatcher });
  // undici's Response and Node's are two copies of one class; their types differ in names only.
  return call as unknown as Fetch;
}

export function isLoopback(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === 'localhost' || host.startsWith('127.') || host === '[::1]';
}
