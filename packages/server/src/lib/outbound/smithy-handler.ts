/**
 * Lets clients based on Smithy (the AWS SDK) send requests through the outbound client, with its proxy and certificate
 * authorities. Structural types: the caller loads the SDK.
 */
import { Readable } from 'node:stream';
import type { Outbound, OutboundRequest } from './outbound.ts';

interface SmithyRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SmithyResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Readable;
}

export interface SmithyHandler {
  handle(
    request: SmithyRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{ readonly response: SmithyResponse }>;
  destroy(): void;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/** Headers that undici sets itself and rejects. */
const OWN_HEADERS = new Set(['connection', 'expect', 'keep-alive', 'transfer-encoding', 'upgrade']);

/**
 * For transfers of any size: no limit for the whole, and an answer may take as long as the last 16 MiB of an upload need on
 * a slow line, because the time for the headers runs from the start of the request.
 */
export const TRANSFER_TIMEOUTS = { totalMs: 0, headersMs: 600_000, idleMs: 60_000 } as const;

/** The address is the operator's: it may be anywhere. */
export function createSmithyHandler(
  outbound: Outbound,
  timeouts: NonNullable<OutboundRequest['timeouts']>,
): SmithyHandler {
  return {
    async handle(request, options) {
      const signal = options?.abortSignal;
      const { status, headers, body } = await outbound.stream({
        url: addressOf(request),
        method: request.method,
        headers: Object.fromEntries(
          Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase())),
        ),
        ...(isSendable(request.body) && { body: request.body }),
        timeouts,
        trusted: true,
        ...(signal instanceof AbortSignal && { signal }),
      });
      return { response: { statusCode: status, headers: { ...headers }, body } };
    },
    // The creator of the outbound client closes it.
    destroy() {},
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  };
}

function isSendable(body: unknown): body is string | Uint8Array | Readable {
  return (typeof body === 'string' && body !== '') || body instanceof Uint8Array || body instanceof Readable;
}

/** The path is escaped already; query values are not (Smithy's HttpRequest). */
function addressOf({ protocol, hostname, port, path, query }: SmithyRequest): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === null) return [escape(name)];
    return [value].flat().map((one) => `${escape(name)}=${escape(one)}`);
  });
  const search = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search}`;
}

/** RFC 3986, as AWS signs it: encodeURIComponent leaves `!'()*` alone. */
function escape(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
