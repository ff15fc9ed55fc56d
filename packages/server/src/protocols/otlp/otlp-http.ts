/** Requests and responses of the protocol over HTTP, equal for all signals. */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { IncomingHttpHeaders } from 'node:http';
import { DaisError, errorCatalog } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '#lib/log.ts';
import { statusBody, type Encoding } from './encode.ts';

/** A refused request with the HTTP status of the specification. */
export class Refusal extends Error {
  readonly status: number;
  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** Items of one request; more of them are refused. */
export const MAX_ITEMS = 10_000;

export class TooManyItems extends Error {}

export const MEDIA_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

/** The header of MLflow's exporters for the experiment of the spans. */
export const EXPERIMENT_HEADER = 'x-mlflow-experiment-id';

/** Exporters that name an experiment in a header expect the status codes of MLflow's server. */
export function isFromMlflow(headers: IncomingHttpHeaders): boolean {
  return (headers[EXPERIMENT_HEADER] ?? '') !== '';
}

export interface ReceivedBody {
  readonly encoding: Encoding;
  /** Decompressed. */
  readonly bytes: Buffer;
}

/** @throws Refusal; DaisError `too_large` for a decompressed body of more than `limit` bytes */
export async function receivedBody(request: FastifyRequest, limit: number): Promise<ReceivedBody> {
  const encoding = encodingOf(request);
  if (encoding === undefined) {
    const type = String(request.headers['content-type']).slice(0, 80);
    const text = `Invalid Content-Type: ${type}. Expected: application/x-protobuf or application/json.`;
    throw new Refusal(text, isFromMlflow(request.headers) ? 400 : 415);
  }
  return { encoding, bytes: await decompressed(request, limit) };
}

function encodingOf(request: FastifyRequest): Encoding | undefined {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === MEDIA_TYPES.protobuf) return 'protobuf';
  return type === MEDIA_TYPES.json ? 'json' : undefined;
}

const inflaters = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/** Decompresses the body. The result has the limit of any body. */
async function decompressed(request: FastifyRequest, limit: number): Promise<Buffer> {
  const bytes = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return bytes;
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new Refusal(`Content-Encoding must be gzip or deflate, not ${encoding.slice(0, 80)}.`, 415);
  }
  try {
    return await inflaters[encoding](bytes, { maxOutputLength: limit });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DaisError('too_large', `The decompressed body is larger than ${limit} bytes.`);
    }
    throw new Refusal(`The body does not match Content-Encoding ${encoding}.`);
  }
}

/** gRPC codes, which the specification requires in the response. */
const GRPC: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  409: 10,
  413: 11,
  422: 3,
  429: 8,
  503: 14,
};

export async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const { status, message } = publicError(error);
  if (status === 500) log.error('a request failed', { error, requestId: request.id });
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request may still be on its way.
  if (status === 413 || status === 408) reply.header('connection', 'close');
  const encoding = encodingOf(request) ?? 'json';
  // The exporters of Python log the reason phrase, and not the body.
  if (status < 500) reply.raw.statusMessage = reasonPhrase(message);
  await reply
    .code(status)
    .type(MEDIA_TYPES[encoding])
    .send(statusBody(encoding, GRPC[status] ?? (status >= 500 ? 13 : 3), message));
}

const LONGEST_PHRASE = 300;

/** Returns the text with the characters that a reason phrase of HTTP can have. */
function reasonPhrase(text: string): string {
  return text.slice(0, LONGEST_PHRASE).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Exporters try again after 429, 502, 503 and 504 only. */
function publicError(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof Refusal) return { status: error.status, message: error.message };
  if (error instanceof DaisError) {
    const { status } = errorCatalog[error.code];
    return { status: status === 500 || status < 500 ? status : 503, message: errorText(error) };
  }
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, message: message ?? 'Bad Request.' };
  }
  return { status: 500, message: 'Internal server error.' };
}

/** Returns the message of an error with its first issues. */
export function errorText(error: DaisError): string {
  const places = (error.issues ?? []).slice(0, 3).map(({ path = '', message }) => `${path} ${message}`);
  return [error.message === '' ? errorCatalog[error.code].title : error.message, ...places].join('; ');
}
