/** HTTP requests of an object store: signed for each attempt, retried with limits, with errors that say what to change. */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api/errors';
import { SignInError } from '#lib/cloud/access-token.ts';
import { clockSkewText } from '#lib/cloud/clock-skew.ts';
import type { Clock } from '#lib/clock.ts';
import { backoffMs } from '#lib/concurrency/backoff.ts';
import { chainOf } from '#lib/outbound/failure-text.ts';
import type { Outbound, OutboundAnswer } from '#lib/outbound/outbound.ts';
import { TRANSFER_TIMEOUTS } from '#lib/outbound/smithy-handler.ts';

export interface ObjectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Without credentials. */
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Statuses that are results, in addition to 2xx. */
  readonly accept?: readonly number[];
  /** Completes “do not allow …” and “failed while …”. */
  readonly doing: string;
  readonly signal?: AbortSignal | undefined;
  /** Default true. False: the caller handles a lost response itself. */
  readonly retry?: boolean;
}

export interface ObjectHttpOptions {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** The store in errors. */
  readonly where: string;
  /** Maximum attempts of a request, default 4, with exponential backoff of up to 20 s. */
  readonly attempts?: number;
  /** Base of the backoff in milliseconds, default 200. */
  readonly backoffMs?: number;
  /** Adds the credentials. */
  sign(request: ObjectRequest): Promise<{ readonly url: string; readonly headers: Readonly<Record<string, string>> }>;
  /** Called after 401; returns whether another attempt has other credentials. */
  renew?(headers: Readonly<Record<string, string>>): boolean;
  /** The error of a response; undefined for a general one. */
  refusal(
    answer: OutboundAnswer<Buffer>,
    doing: string,
  ): { readonly detail: string; readonly full?: boolean } | undefined;
  /** The error code of a response, for messages. Never its text: that can contain accounts, keys and signed texts. */
  codeOf(answer: OutboundAnswer<Buffer>): string;
}

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const BACKOFF_MS = 200;
const MOST_WAIT_MS = 20_000;

export class ObjectHttp {
  readonly #options: ObjectHttpOptions;

  constructor(options: ObjectHttpOptions) {
    this.#options = options;
  }

  /** Reads the whole response. @throws DaisError `blobs_unavailable`, `storage_full`; the reason of `signal`. */
  async send(request: ObjectRequest): Promise<OutboundAnswer<Buffer>> {
    const { attempts = 4 } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.stream(request);
      try {
        return { ...answer, body: await buffer(answer.body) };
      } catch (error) {
        if (request.signal?.aborted === true) throw error;
        if (attempt >= attempts || request.retry === false) throw this.asError(error, request.doing);
        await this.#wait(attempt, undefined, request.signal);
      }
    }
  }

  /** Returns the response as it arrives. The caller reads or destroys the body. @throws as `send`. */
  async stream(request: ObjectRequest): Promise<OutboundAnswer<Readable>> {
    const { outbound, attempts = 4 } = this.#options;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      request.signal?.throwIfAborted();
      const isLast = attempt >= attempts || request.retry === false;
      const { url, headers } = await this.#sign(request);
      let answer: OutboundAnswer<Readable>;
      try {
        answer = await outbound.stream({
          url,
          method: request.method,
          headers,
          ...(request.body !== undefined && { body: request.body }),
          timeouts: TRANSFER_TIMEOUTS,
          trusted: true,
          ...(request.signal !== undefined && { signal: request.signal }),
        });
      } catch (error) {
        if (request.signal?.aborted === true) throw error;
        if (isLast) throw this.asError(error, request.doing);
        await this.#wait(attempt, undefined, request.signal);
        continue;
      }
      if (answer.status < 300 || request.accept?.includes(answer.status) === true) return answer;
      const read = { ...answer, body: await readError(answer.body) };
      if (answer.status === 401 && !renewed && this.#options.renew?.(headers) === true) {
        renewed = true;
        continue;
      }
      if (isLast || !RETRIED.has(answer.status)) throw this.refused(read, request.doing);
      await this.#wait(attempt, answer.headers['retry-after'], request.signal);
    }
  }

  /** The error of a response that is not a result. */
  refused(answer: OutboundAnswer<Buffer>, doing: string): DaisError {
    const { where, clock } = this.#options;
    const code = this.#options.codeOf(answer);
    const cause = new Error(`${answer.status} ${code}`);
    const known = this.#options.refusal(answer, doing);
    if (known?.full === true) return new DaisError('storage_full', known.detail, { cause });
    const skew = [401, 403].includes(answer.status) ? clockSkewText(answer.headers['date'], clock.now()) : undefined;
    const detail = known?.detail ?? `${where} responded with ${answer.status} ${code}`.trimEnd() + ` while ${doing}`;
    return new DaisError('blobs_unavailable', skew === undefined ? detail : `${detail}. ${skew}`, { cause });
  }

  /** Translates errors of the connection and of the sign-in. Returns others unchanged. */
  asError(error: unknown, doing: string): unknown {
    const { where, outbound } = this.#options;
    if (error instanceof SignInError) {
      return new DaisError('blobs_unavailable', `there are no credentials for ${where}: ${error.message}`, {
        cause: error,
      });
    }
    const isConnection =
      outbound.errorCodeOf(error) !== undefined ||
      (error instanceof Error && !(error instanceof DaisError) && 'code' in error);
    if (!isConnection) return error;
    const detail = `${where} did not respond while ${doing}: ${chainOf(error)[0]?.message ?? 'unknown'}`;
    return new DaisError('blobs_unavailable', detail, { cause: error });
  }

  async #sign(request: ObjectRequest): Promise<{ url: string; headers: Readonly<Record<string, string>> }> {
    try {
      return await this.#options.sign(request);
    } catch (error) {
      throw this.asError(error, request.doing);
    }
  }

  async #wait(attempt: number, retryAfter: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const requested = Number(retryAfter ?? Number.NaN) * 1000;
    const ms = Number.isFinite(requested)
      ? Math.min(Math.max(requested, 0), MOST_WAIT_MS)
      : backoffMs(attempt, this.#options.backoffMs ?? BACKOFF_MS, MOST_WAIT_MS, Math.random);
    await this.pause(ms, signal);
  }

  /** Waits. @throws the reason of `signal`. */
  async pause(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const abort = () => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = this.#options.clock.after(ms, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

/** Reads the body of an error: at most 64 KiB, and what can be read of it. */
export async function readError(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > 2 ** 16) break;
    }
  } catch {
    // The status is sufficient.
  }
  body.destroy();
  return Buffer.concat(chunks);
}
