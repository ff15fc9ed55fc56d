/** Addresses of the port for other nodes. Every caller of one has a certificate of a node of this installation. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

export interface InternalRequest {
  /** Id of the calling node. */
  readonly node: string;
  /** The last segment of the path, if the path of the route ends with `/:id`. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the caller disconnects or the server stops. */
  readonly signal: AbortSignal;
  /** Reads the body as JSON. @throws DaisError `invalid_request`, `request_too_large`. */
  readonly json: () => Promise<unknown>;
}

export interface InternalResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export interface InternalRoute {
  readonly method: 'GET' | 'POST';
  readonly path: `/internal/${string}`;
  readonly handle: (request: InternalRequest) => Promise<InternalResponse>;
}

export function jsonResponse(body: unknown): InternalResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
