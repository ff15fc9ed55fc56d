/** Requests to MLflow's REST API: one server, one credential, with retries of transient failures. */
import { Readable } from 'node:stream';
import { DaisError, type Fetch } from '@dais/api';

export interface RestOptions {
  /** Without a trailing slash. */
  readonly url: string;
  /** The header `Authorization`, if there is one. */
  readonly authorization?: string;
  readonly fetch: Fetch;
  readonly signal: AbortSignal;
}

export type Json = Readonly<Record<string, unknown>>;
type Query = Readonly<Record<string, string | readonly string[] | number | undefined>>;

const TRIES = 5;
const FIRST_WAIT_MS = 300;
/** Status codes that MLflow's own client retries too. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);

export class MlflowRest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  /**
   * @throws DaisError `upstream_failed` with the message of the server.
   */
  async get(path: string, query: Query = {}): Promise<Json> {
    return await this.#json(await this.#send('GET', `${path}${queryText(query)}`));
  }

  /** Returns the response text. @throws DaisError as `get`. */
  async text(path: string, query: Query = {}): Promise<string> {
    return await (await this.#send('GET', `${path}${queryText(query)}`)).text();
  }

  async post(path: string, body: Json, headers: Readonly<Record<string, string>> = {}): Promise<Json> {
    return await this.#json(await this.#send('POST', path, body, headers));
  }

  async patch(path: string, body: Json): Promise<Json> {
    return await this.#json(await this.#send('PATCH', path, body));
  }

  async delete(path: string, body: Json): Promise<Json> {
    return await this.#json(await this.#send('DELETE', path, body));
  }

  async bytes(path: string, query: Query = {}): Promise<Readable> {
    const { body } = await this.#send('GET', `${path}${queryText(query)}`);
    return body === null ? Readable.from([]) : Readable.fromWeb(body);
  }

  /** Sends bytes once: consumed bytes cannot be read again. */
  async upload(path: string, bytes: Readable): Promise<void> {
    const init = { method: 'PUT', headers: this.#headers(), body: Readable.toWeb(bytes), duplex: 'half' };
    const answer = await this.#options.fetch(`${this.url}${path}`, { ...init, signal: this.#options.signal } as never);
    if (!answer.ok) throw await refusal(answer, this.url, path);
    await answer.text();
  }

  async #send(
    method: string,
    path: string,
    body?: Json,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const { signal, fetch } = this.#options;
    for (let attempt = 1; ; attempt++) {
      let failure: DaisError;
      try {
        const answer = await fetch(`${this.url}${path}`, {
          method,
          signal,
          headers: { ...this.#headers(), ...more, ...(body !== undefined && { 'content-type': 'application/json' }) },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        if (answer.ok) return answer;
        failure = await refusal(answer, this.url, path);
        if (!PASSING.has(answer.status)) throw failure;
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof DaisError) throw error;
        failure = new DaisError('upstream_failed', `${this.url} does not respond: ${causeOf(error)}.`, {
          cause: error,
        });
      }
      if (attempt === TRIES) throw failure;
      await waitFor(FIRST_WAIT_MS * 2 ** (attempt - 1), signal);
    }
  }

  #headers(): Record<string, string> {
    const { authorization } = this.#options;
    return authorization === undefined ? {} : { authorization };
  }

  async #json(answer: Response): Promise<Json> {
    const text = await answer.text();
    try {
      return JSON.parse(text) as Json;
    } catch (error) {
      throw new DaisError('upstream_failed', `${this.url} did not return JSON. Is it an MLflow server?`, {
        cause: error,
      });
    }
  }
}

async function refusal(answer: Response, url: string, path: string): Promise<DaisError> {
  const text = await answer.text().catch(() => '');
  const message = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200);
  const where = path.replace(/\?.*$/s, '');
  const detail = `${url} returned status ${answer.status} for ${where}: ${message}`;
  if (answer.status === 401) return new DaisError('unauthenticated', detail);
  if (answer.status === 403) return new DaisError('forbidden', detail);
  return new DaisError(answer.status === 404 ? 'not_found' : 'upstream_failed', detail);
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) {
    for (const value of [values].flat()) if (value !== undefined) parameters.append(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && cause.message !== '' ? cause.message : String(error);
}

async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    timer.ref();
  });
}
