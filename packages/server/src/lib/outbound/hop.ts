/** One request of a call: the first, or one after a redirect. */
import { Readable } from 'node:stream';
import type { Fail } from './error-code.ts';

export interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | Readable | undefined;
}

/** Headers that may follow a redirect to another origin; others can contain credentials. */
const SAFE_HEADERS = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);

/** @throws the error of `fail` with `address_refused`. */
export function readUrl(text: string, fail: Fail): URL {
  if (!URL.canParse(text)) throw fail('address_refused', 'the address is not a valid URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw fail('address_refused', `the URL starts with ${url.protocol}, which is neither http: nor https:`);
  }
  if (url.username !== '' || url.password !== '') {
    throw fail('address_refused', `the URL of ${url.host} contains credentials: send them in a header`);
  }
  return url;
}

export function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** RFC 9110 §15.4: 303, and 301 or 302 after a POST, become a GET without a body; 307 and 308 repeat the request. */
export function redirected(hop: Hop, status: number, location: string, fail: Fail): Hop {
  const from = hop.url;
  if (!URL.canParse(location, from.href)) {
    throw fail('upstream_failed', `${from.origin} redirects to an invalid URL`);
  }
  const url = readUrl(new URL(location, from.href).href, fail);
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw fail('address_refused', `${from.origin} redirects from https to http`);
  }
  const kept = Object.entries(hop.headers).filter(([name]) => url.origin === from.origin || SAFE_HEADERS.has(name));
  const asGet = status === 303 ? hop.method !== 'HEAD' : (status === 301 || status === 302) && hop.method === 'POST';
  if (asGet) {
    const headers = Object.fromEntries(kept.filter(([name]) => !name.startsWith('content-')));
    return { url, method: 'GET', headers, body: undefined };
  }
  if (hop.body instanceof Readable) {
    throw fail('upstream_failed', `${from.origin} redirects a request whose body can be sent only once`);
  }
  return { url, method: hop.method, headers: Object.fromEntries(kept), body: hop.body };
}
