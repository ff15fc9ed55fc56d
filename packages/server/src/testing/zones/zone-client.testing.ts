/** Calls through a load balancer, each on a connection of its own, so that they go to all backends in turn. */
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface ZoneResponse {
  /** 0: there was no response. */
  readonly status: number;
  readonly text: string;
}

export interface ZoneRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Longer than the balancer takes to end the connections of a backend that does not respond. */
const TIMEOUT_MS = 30_000;
const PAUSE_MS = 100;
/** A limit against hanging: longer than any disruption. */
const GIVE_UP_MS = 300_000;

export class ZoneClient {
  readonly #url: URL;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = new URL(url);
    this.#token = token;
  }

  async send({ method, path, body, headers = {} }: ZoneRequest): Promise<ZoneResponse> {
    const text = body === undefined ? '' : JSON.stringify(body);
    return await new Promise((resolve) => {
      const sent = request(
        {
          host: this.#url.hostname,
          port: this.#url.port,
          path,
          method,
          agent: false,
          headers: {
            authorization: `Bearer ${this.#token}`,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            ...headers,
          },
        },
        (answer) => {
          let received = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (received += chunk));
          answer.once('error', () => resolve({ status: 0, text: 'the response ended early' }));
          answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text: received }));
        },
      );
      const timer = setTimeout(() => sent.destroy(new Error(`no response within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
      sent.once('error', (error) => resolve({ status: 0, text: error.message }));
      sent.once('close', () => clearTimeout(timer));
      sent.end(text);
    });
  }

  /** Sends until the call succeeds, as clients do. @throws Error for a response that says that the call itself is wrong. */
  async must<T>(call: ZoneRequest, onRetry: (response: ZoneResponse) => void = () => {}): Promise<T> {
    for (const until = performance.now() + GIVE_UP_MS; ;) {
      const response = await this.send(call);
      if (response.status >= 200 && response.status < 300) return JSON.parse(response.text) as T;
      if (!isTemporary(response) || performance.now() > until)
        throw new Error(`${call.method} ${call.path}: ${response.status} ${response.text}`);
      onRetry(response);
      await delay(PAUSE_MS);
    }
  }

  /** All pages of a list. */
  async all<Item>(path: string): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (let cursor = ''; ;) {
      const page = await this.must<{ items: Item[]; nextCursor?: string }>({ method: 'GET', path: `${path}${cursor}` });
      items.push(...page.items);
      if (page.nextCursor === undefined) return items;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }
}

const isTemporary = ({ status }: ZoneResponse): boolean => [0, 429, 503].includes(status);
