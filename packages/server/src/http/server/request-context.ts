import type { FastifyReply, FastifyRequest } from 'fastify';
import { DaisError } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import type { Client, Principal } from '#kernel/principal.ts';
import { uuidv7 } from '#lib/ids.ts';

const NO_PROJECTS: readonly string[] = [];

/** Returns the call context of a request. The signal is created on first use: most calls end before. */
export class RequestContext implements CallContext {
  readonly principal: Principal;
  readonly client: Client;
  readonly requestId: string;
  readonly origin: string;
  readonly projects: readonly string[];
  readonly idempotencyKey?: string;
  readonly #reply: FastifyReply;
  #signal: AbortSignal | undefined;

  /** @throws DaisError `invalid_request` for an invalid Idempotency-Key. */
  constructor(request: FastifyRequest, reply: FastifyReply, origin: string, projectHeader?: string) {
    if (request.principal === null) throw new Error('cannot authenticate a request');
    this.principal = request.principal;
    const userAgent = request.headers['user-agent']?.slice(0, 256);
    this.client = { address: request.ip, ...(userAgent !== undefined && { userAgent }) };
    this.requestId = request.id;
    this.origin = origin;
    const inAddress = request.projectInAddress;
    const inHeader = projectHeader === undefined ? undefined : request.headers[projectHeader]?.toString().trim();
    const named = [inAddress, inHeader].flatMap((project) => (project === undefined || project === '' ? [] : project));
    this.projects = named.length === 0 ? NO_PROJECTS : named;
    const key = idempotencyKey(request.headers['idempotency-key']);
    if (key !== undefined) this.idempotencyKey = key;
    this.#reply = reply;
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      this.#reply.raw.once('close', () => controller.abort());
    }
    return this.#signal;
  }
}

/** The draft standard uses a quoted string; most clients send it without quotes. */
function idempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = typeof header === 'string' ? /^"?([\u0021\u0023-\u007e]{1,255})"?$/.exec(header) : null;
  if (match?.[1] === undefined) {
    throw new DaisError('invalid_request', 'The Idempotency-Key is invalid.', {
      issues: [{ path: 'Idempotency-Key', message: 'is invalid', expected: '1 to 255 printable characters' }],
    });
  }
  return match[1];
}

/** Keeps the request ID of the caller if it is plain enough for headers, logs and events. */
export function requestId(given: string | readonly string[] | undefined, nowMs: number): string {
  return typeof given === 'string' && /^[A-Za-z0-9._:/@=+-]{1,128}$/.test(given) ? given : uuidv7(nowMs);
}
