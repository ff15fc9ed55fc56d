/** For tests of the whole: requests to Endpoints at a steady rate, and what became of each. */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

export interface LoadTarget {
  readonly endpoints: readonly string[];
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly perSecond: number;
  /** What a version of the model multiplies its input with. */
  readonly factorOf: (version: string) => number | undefined;
  /** Share of the requests on kept-alive connections, like those of most clients; default 0. */
  readonly kept?: number;
}

export interface Failure {
  readonly endpoint: string;
  readonly sentAt: number;
  readonly endedAt: number;
  /** 0: there was no answer. */
  readonly status: number;
  readonly message: string;
  /** Of the connection, at this end. Undefined if there was none. */
  readonly localPort: number | undefined;
}

const TICK_MS = 10;
/** Concurrently; a client that sends more would measure the queues. */
const MOST_OPEN = 250;
/** What was not sent in time is not sent later in one burst. */
const MOST_BURST = 20;
const PATIENCE_MS = 120_000;

export class ServingLoad {
  readonly failures: Failure[] = [];
  /** Of answered requests, by endpoint. */
  readonly predictions = new Map<string, Set<string>>();
  readonly #target: LoadTarget;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #open = new Set<Promise<void>>();
  readonly #sending: Promise<void>;
  #isOn = true;
  #sent = 0;
  /** When the newest request that was answered had been sent. */
  #answeredOf = 0;
  #answered = 0;

  constructor(target: LoadTarget) {
    this.#target = target;
    this.#sending = this.#send();
  }

  get answered(): number {
    return this.#answered;
  }

  /** Resolves when so many requests were answered with success, and one that was sent from now on. */
  async goesOn(count: number): Promise<void> {
    const [from, reached] = [performance.now(), this.#answered + count];
    while (this.#answered < reached || this.#answeredOf < from) {
      if (performance.now() - from > PATIENCE_MS) {
        throw new Error(
          `nothing was answered for ${PATIENCE_MS / 1000} s; last: ${JSON.stringify(this.failures.at(-1))}`,
        );
      }
      await delay(TICK_MS);
    }
  }

  /** Ends when what was sent is answered. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#sending;
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  async #send(): Promise<void> {
    const startedAt = performance.now();
    let skipped = 0;
    while (this.#isOn) {
      const planned = ((performance.now() - startedAt) * this.#target.perSecond) / 1000 - skipped;
      const due = Math.floor(planned) - this.#sent;
      const now = Math.min(due, MOST_BURST, MOST_OPEN - this.#open.size);
      skipped += due - Math.max(0, now);
      for (let at = 0; at < now; at++) {
        const requested = this.#ask(this.#sent++).finally(() => this.#open.delete(requested));
        this.#open.add(requested);
      }
      await delay(TICK_MS);
    }
  }

  async #ask(count: number): Promise<void> {
    const { endpoints, factorOf, kept = 0 } = this.#target;
    const endpoint = endpoints[count % endpoints.length]!;
    const x = count % 1000;
    const sentAt = performance.now();
    let localPort: number | undefined;
    const fail = (status: number, message: string) =>
      void this.failures.push({ endpoint, sentAt, endedAt: performance.now(), status, message, localPort });
    try {
      const isKept = (count * 7919) % 100 < kept * 100;
      const { status, text, version, prediction } = await this.#post(endpoint, x, isKept, (port) => (localPort = port));
      if (status !== 200) return fail(status, text);
      const answer = JSON.parse(text) as { readonly outputs: readonly { readonly data: readonly number[] }[] };
      const y = answer.outputs[0]?.data[0];
      if (y !== x * (factorOf(version) ?? Number.NaN)) return fail(status, `version ${version}: ${x} became ${y}`);
      const ids = this.predictions.get(endpoint) ?? new Set<string>();
      this.predictions.set(endpoint, ids);
      if (ids.has(prediction)) return fail(status, `the id ${prediction} came twice`);
      ids.add(prediction);
      this.#answered += 1;
      this.#answeredOf = Math.max(this.#answeredOf, sentAt);
    } catch (error) {
      fail(0, (error as NodeJS.ErrnoException).code ?? String(error));
    }
  }

  async #post(endpoint: string, x: number, isKept: boolean, onConnected: (localPort: number | undefined) => void) {
    const { host = '127.0.0.1', port, headers } = this.#target;
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] });
    return await new Promise<{ status: number; text: string; version: string; prediction: string }>(
      (resolve, reject) => {
        const sent = request(
          {
            host,
            port,
            path: `/v2/models/${endpoint}/infer`,
            method: 'POST',
            // A kept-alive connection whose end is not noticed yet would count as inside of the killed process.
            agent: isKept ? this.#agent : false,
            timeout: PATIENCE_MS,
            headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          },
          (answer) => {
            let text = '';
            answer.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
            answer.once('error', reject);
            answer.once('end', () =>
              resolve({
                status: answer.statusCode ?? 0,
                text,
                version: String(answer.headers['dais-model-version']),
                prediction: String(answer.headers['dais-prediction-id']),
              }),
            );
          },
        );
        sent.once('socket', (socket) => {
          if (socket.connecting) socket.once('connect', () => onConnected(socket.localPort));
          else onConnected(socket.localPort);
        });
        sent.once('timeout', () => sent.destroy(new Error(`no answer within ${PATIENCE_MS / 1000} s`)));
        sent.once('error', reject);
        sent.end(body);
      },
    );
  }
}
