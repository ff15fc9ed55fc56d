import type { Outbound } from '#lib/outbound/outbound.ts';

/** The part of the Fetch API that libraries for OpenID Connect need. */
export type ProviderFetch = (
  url: string,
  options: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  },
) => Promise<Response>;

/** Largest answer of a provider; keys and metadata take a few KiB. */
const MAX_BYTES = 512 * 1024;
const TOTAL_MS = 10_000;

/**
 * Carries requests of a library through our outbound client: proxies, private authorities, limits. `trusted`: the
 * operator named the provider, so it may be anywhere; else the guard against inner addresses holds.
 */
export function outboundFetch(outbound: Outbound, trusted: boolean): ProviderFetch {
  return async (url, { method, headers, body, signal }) => {
    const answer = await outbound.send({
      url,
      method,
      headers,
      trusted,
      maxBytes: MAX_BYTES,
      timeouts: { totalMs: TOTAL_MS },
      ...(body !== undefined && body !== null && { body: bodyText(body) }),
      ...(signal !== undefined && { signal }),
    });
    const empty = answer.status === 204 || answer.status === 205 || answer.status === 304;
    return new Response(empty ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: { ...answer.headers },
    });
  };
}

function bodyText(body: unknown): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Error('the body of a request to a provider must be text');
}
