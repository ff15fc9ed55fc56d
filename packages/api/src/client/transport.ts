/** Requests with retries, which all methods of the client use. */
import { DaisError } from '#errors.ts';
import { errorOfAnswer, errorOfNetwork } from '#client/failures.ts';

export type Fetch = typeof fetch;

/** Waits; rejects with the signal's reason when that aborts first. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export interface RetryOptions {
  /** Maximum number of attempts of a request; default 4. */
  readonly attempts?: number;
  /** Instead of `attempts`: total time of the attempts of a request, in milliseconds. */
  readonly withinMs?: number | undefined;
  /**
   * Delay before the second attempt, in milliseconds; doubles each time. Default 200. A longer Retry-After has
   * priority.
   */
  readonly baseMs?: number;
  /** Longest delay, in milliseconds, before an attempt; a Retry-After above it ends the attempts. Default 10,000. */
  readonly capMs?: number;
}

export interface TransportOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly fetch: Fetch;
  readonly retry: RetryOptions;
  /** For one attempt, in milliseconds; streams: without a heartbeat. */
  readonly timeoutMs: number;
  readonly sleep: Sleep;
  readonly now: () => number;
  /** 0 to 1; spreads attempts of many clients. */
  readonly random: () => number;
}

export interface CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root of the server, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: { readonly type: 'application/json' | 'application/yaml'; readonly text: string };
  /** Instead of `body`: streamed without a timeout. A function returns them for each attempt. */
  readonly bytes?: ReadableStream<Uint8Array> | (() => ReadableStream<Uint8Array>);
  readonly headers?: Readonly<Record<string, string>>;
  /** A repeated request has no further effect. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Default: that of the client. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_RETRY = { attempts: 4, baseMs: 200, capMs: 10_000 };

export class Transport {
  readonly #options: TransportOptions;
  readonly #retry: RetryOptions & typeof DEFAULT_RETRY;
  /** Without a trailing slash. */
  readonly address: string;

  /**
   * @throws DaisError `invalid_request` for an invalid URL.
   */
  constructor(options: TransportOptions) {
    this.#options = options;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.address = cleanAddress(options.url);
  }

  /** Returns the decoded response. @throws DaisError of any code. */
  async call<T>(call: CallOptions): Promise<T> {
    const from = this.#options.now();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt<T>(call);
      } catch (error) {
        const wait = this.waitAfter(error, attempt);
        if (wait === undefined || !call.repeatable || this.#isLast(attempt, from)) throw error;
        await this.#options.sleep(wait, call.signal);
      }
    }
  }

  #isLast(attempt: number, from: number): boolean {
    const { attempts, withinMs } = this.#retry;
    return withinMs === undefined ? attempt >= attempts : this.#options.now() - from >= withinMs;
  }

  /**
   * Returns the delay before the next attempt in milliseconds; undefined for permanent failures. `attempt` counts from
   * 1.
   */
  waitAfter(error: unknown, attempt: number): number | undefined {
    if (!(error instanceof DaisError) || !error.retryable) return undefined;
    const { baseMs, capMs } = this.#retry;
    const request = (error.retryAfter ?? 0) * 1000;
    if (request > capMs) return undefined;
    const grown = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 20));
    return Math.max(request, grown * (0.5 + 0.5 * this.#options.random()));
  }

  get sleep(): Sleep {
    return this.#options.sleep;
  }

  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** One attempt at a stream: resolves with its head. The caller ends it by aborting the signal. */
  async open(path: string, query: CallOptions['query'], signal: AbortSignal): Promise<Response> {
    const call: CallOptions = { method: 'GET', path, ...(query && { query }), repeatable: true, signal };
    const response = await this.#send(call, { accept: 'text/event-stream' }, signal);
    if (!response.ok) throw await errorOfAnswer(response, this.address, this.#options.now());
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('text/event-stream')) {
      throw new DaisError('upstream_failed', `${this.address} returned ${type || 'no content type'} for a watch.`);
    }
    return response;
  }

  /** Resolves with the response head; the bytes have no timeout. */
  async download(
    call: CallOptions,
  ): Promise<{ readonly bytes: ReadableStream<Uint8Array>; readonly tag: string | undefined }> {
    const signal = call.signal ?? new AbortController().signal;
    const from = this.#options.now();
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#send(call, { accept: '*/*' }, signal);
        if (!response.ok) throw await errorOfAnswer(response, this.address, this.#options.now());
        if (response.body === null)
          throw new DaisError('upstream_failed', `${this.address} returned an empty response.`);
        const tag = response.headers.get('etag')?.replace(/^"(.*)"$/, '$1');
        return { bytes: response.body, tag };
      } catch (error) {
        const wait = this.waitAfter(error, attempt);
        if (wait === undefined || this.#isLast(attempt, from)) throw error;
        await this.#options.sleep(wait, call.signal);
      }
    }
  }

  async #attempt<T>(call: CallOptions): Promise<T> {
    const abort = new AbortController();
    const stop = () => abort.abort(call.signal?.reason);
    call.signal?.throwIfAborted();
    call.signal?.addEventListener('abort', stop, { once: true });
    const { timeoutMs = this.#options.timeoutMs } = call;
    const late = () => {
      const seconds = timeoutMs / 1000;
      abort.abort(new DaisError('server_unreachable', `${this.address} did not respond within ${seconds} s.`));
    };
    const timer = call.bytes === undefined ? setTimeout(late, timeoutMs) : undefined;
    try {
      const response = await this.#send(call, { accept: 'application/json' }, abort.signal);
      if (!response.ok) throw await errorOfAnswer(response, this.address, this.#options.now());
      const text = await this.#readText(response, abort.signal);
      return parseAnswer(text, this.address) as T;
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', stop);
    }
  }

  async #send(call: CallOptions, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const { token } = this.#options;
    const bytes = typeof call.bytes === 'function' ? call.bytes() : call.bytes;
    try {
      return await this.#options.fetch(`${this.address}${call.path}${queryText(call.query)}`, {
        method: call.method,
        signal,
        headers: {
          ...headers,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(call.body !== undefined && { 'content-type': call.body.type }),
          ...(bytes !== undefined && { 'content-type': 'application/octet-stream' }),
          ...call.headers,
        },
        ...(call.body !== undefined && { body: call.body.text }),
        ...(bytes !== undefined && { body: bytes, duplex: 'half' }),
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // A `fetch` of the caller may have a better error.
      throw error instanceof DaisError ? error : errorOfNetwork(error, this.address);
    }
  }

  async #readText(response: Response, signal: AbortSignal): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw errorOfNetwork(error, this.address);
    }
  }
}

function parseAnswer(text: string, address: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new DaisError('upstream_failed', `${address} returned a response that is not JSON. Is it a Dais server?`, {
      cause: error,
    });
  }
}

function queryText(query: CallOptions['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function cleanAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new DaisError('invalid_request', `"${text}" is not a server URL: http://HOST:PORT.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new DaisError('invalid_request', 'The server URL contains a user name or password. Use a token instead.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}
