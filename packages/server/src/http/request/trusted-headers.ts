/** Headers that decide about trust: who calls, from which site, and through which proxy. Pure functions. */
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { DaisError } from '@dais/api/errors';

/** Of two values, Node may keep another one than a proxy in front of it has checked. */
const SINGLE_HEADERS = new Set(['authorization', 'dais-ticket', 'host', 'origin', 'sec-fetch-site']);

const PROXY_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port'];

/** Over plain HTTP, browsers omit Sec-Fetch-Site; every browser calls itself Mozilla. */
export function isBrowser(headers: IncomingHttpHeaders): boolean {
  return headers['sec-fetch-site'] !== undefined || headers['user-agent']?.startsWith('Mozilla/') === true;
}

/** Steps use no proxy: forwarded headers of a step would be trusted where a local proxy is trusted. */
export function withoutProxies(handler: RequestListener): RequestListener {
  return (request, response) => {
    for (const name of PROXY_HEADERS) delete request.headers[name];
    handler(request, response);
  };
}

/** Agents run on other machines, and are no pages. @throws DaisError `route_not_found` in a step of this machine, `origin_refused`. */
export function requireAgent(headers: IncomingHttpHeaders, step: string | undefined): void {
  if (step !== undefined) throw new DaisError('route_not_found', 'A step cannot call this route.');
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) return;
  throw new DaisError('origin_refused', 'Pages cannot call this route: it is for the agents of tasks.');
}

/** @throws DaisError `invalid_request` if a header that decides about trust occurs twice. */
export function refuseTwins(rawHeaders: readonly string[]): void {
  const names = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!SINGLE_HEADERS.has(name)) continue;
    if (names.has(name)) throw new DaisError('invalid_request', `The header ${name} occurs twice. Send it once.`);
    names.add(name);
  }
}
