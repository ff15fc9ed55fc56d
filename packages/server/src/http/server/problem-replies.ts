/** Every error is a problem document (RFC 9457); unexpected errors contain no details. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { DaisError, toProblem, type ErrorCode } from '@dais/api/errors';

export interface ProblemReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Errors of the HTTP framework by their error code of Dais. */
const FRAMEWORK_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_BAD_URL: ['invalid_request', 'A segment of the path is not percent-encoded UTF-8.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A segment of the path is longer than the limit for names.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported_media_type',
    'The request needs a Content-Type that this route accepts.',
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['unreadable_body', 'The length of the body differs from Content-Length.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', 'The body exceeds the limit of this route.'],
  ECONNRESET: ['unreadable_body', 'The connection closed before the body was complete.'],
};

/** Returns the error as a DaisError; undefined if a caller cannot have caused it. */
export function expectedError(error: unknown): DaisError | undefined {
  if (error instanceof DaisError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const known = typeof code === 'string' ? FRAMEWORK_CODES[code] : undefined;
  return known === undefined ? undefined : new DaisError(known[0], known[1], { cause: error });
}

/** Codes after which the rest of the request may still arrive: the connection cannot be reused. */
const CLOSING: ReadonlySet<ErrorCode> = new Set(['too_large', 'request_timeout', 'shutting_down']);

/**
 * `basePath`: makes the link to the page of the error work behind a proxy. `challenge`: asks an unauthenticated caller
 * for credentials.
 */
export function problemReply(
  error: DaisError,
  requestId: string,
  basePath: string,
  { challenge }: { readonly challenge: boolean },
): ProblemReply {
  const problem = toProblem(error, requestId);
  return {
    status: problem.status,
    headers: {
      'content-type': PROBLEM_TYPE,
      'cache-control': 'no-store',
      ...(error.retryable && { 'retry-after': String(Math.max(1, Math.ceil(error.retryAfter ?? 1))) }),
      ...(challenge &&
        error.code === 'unauthenticated' && { 'www-authenticate': 'Bearer realm="dais", Basic realm="dais"' }),
      ...(CLOSING.has(error.code) && { connection: 'close' }),
    },
    body: JSON.stringify({ ...problem, type: `${basePath}${problem.type}` }),
  };
}

/** Writes a whole response to a connection without a readable request, and closes it. */
export function writeRawProblem(socket: Socket, error: DaisError, requestId: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problemReply(error, requestId, '', { challenge: false });
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

/** Returns the error for a failure of the HTTP parser. Undefined if the client has disconnected. */
export function parserError(error: NodeJS.ErrnoException): DaisError | undefined {
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    case 'HPE_HEADER_OVERFLOW':
      return new DaisError('headers_too_large', 'The headers exceed the limit of 16 KiB in total.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DaisError('request_timeout', 'The headers did not arrive in time.');
    default:
      return new DaisError('invalid_request', 'The request is not well-formed HTTP/1.1.', { cause: error });
  }
}
