/** HTTP calls over connections that are kept, or over a new connection for each call, as many clients and tools make them. */
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

export type ConnectionMode = 'kept' | 'new';

export interface HttpCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is JSON. */
  readonly body?: string | Buffer | undefined;
}

export interface HttpClientOptions {
  readonly mode: ConnectionMode;
  readonly connections: number;
  readonly token?: string;
  /** How often a call is sent again when the server fails (5xx) or closes the connection. Default: 0. */
  readonly retries?: number;
}

const RETRY_MS = 100;

export class HttpClient {
  readonly #url: string;
  readonly #options: HttpClientOptions;
  readonly #agent: Agent;
  #opened = 0;
  #sent = 0;
  /** Calls that were sent again. */
  repeated = 0;

  constructor(url: string, options: HttpClientOptions) {
    this.#url = url;
    this.#options = options;
    // Without pipelining, undici closes each connection after its response. MLflow's server closes an idle one after 5 s.
    const pipelining = options.mode === 'kept' ? 1 : 0;
    this.#agent = new Agent({ connections: options.connections, pipelining, keepAliveTimeout: 1000 });
    this.#agent.on('connect', () => (this.#opened += 1));
  }

  /** Returns the bytes of the response. @throws Error when the status is not 2xx. */
  async send(call: HttpCall): Promise<Buffer> {
    for (let retry = 0; ; retry++) {
      const { status, bytes } = await this.#once(call).catch((error: Error) => ({
        status: 503,
        bytes: Buffer.from(error.message),
      }));
      if (status >= 200 && status < 300) return bytes;
      if (status < 500 || retry === (this.#options.retries ?? 0)) {
        throw new Error(`${call.method ?? 'GET'} ${call.path}: ${status} ${bytes.toString('utf8').slice(0, 500)}`);
      }
      this.repeated += 1;
      await delay(RETRY_MS * 2 ** retry);
    }
  }

  async json<Answer>(call: HttpCall): Promise<Answer> {
    const bytes = await this.send(call);
    return (bytes.length === 0 ? undefined : JSON.parse(bytes.toString('utf8'))) as Answer;
  }

  /** @throws Error when fewer connections were opened than the mode requires: the measurement is wrong. */
  async close(): Promise<void> {
    await this.#agent.close();
    if (this.#options.mode === 'new' && this.#opened < this.#sent) {
      throw new Error(`${this.#sent} calls used ${this.#opened} connections instead of a new one for each call.`);
    }
  }

  async #once({ method = 'GET', path, headers, body }: HttpCall) {
    const { token = '' } = this.#options;
    const type = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    this.#sent += 1;
    const response = await request(`${this.#url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...type, ...headers, ...(token !== '' && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body }),
    });
    return { status: response.statusCode, bytes: Buffer.from(await response.body.arrayBuffer()) };
  }
}
