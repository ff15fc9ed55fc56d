/** Calls of MLflow's REST API as its client makes them, over connections that stay open. */
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** MLflow's client sends a call again so many times when the server fails (a busy SQLite does) or ends the connection. */
const REPEATS = 7;
const PAUSE_MS = 100;

export interface Target {
  readonly url: string;
  /** Empty for a server that asks for none. */
  readonly token: string;
}

export interface LoggedPoint {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

export class MlflowClient {
  readonly #target: Target;
  readonly #agent: Agent;
  /** Calls that were sent again because the server had failed or ended the connection. */
  repeated = 0;

  constructor(target: Target, connections: number) {
    this.#target = target;
    // Long before MLflow's server closes an idle one, which is 5 s.
    this.#agent = new Agent({ connections, pipelining: 1, keepAliveTimeout: 1000 });
  }

  /** The answer's bytes, one character each. */
  async send(method: 'GET' | 'POST' | 'PUT', path: string, body?: Buffer | string): Promise<string> {
    const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {};
    return await this.#ask(method, `/api/2.0/${path}`, headers, body);
  }

  async post(path: string, body: unknown): Promise<unknown> {
    return JSON.parse(await this.send('POST', `mlflow/${path}`, JSON.stringify(body)));
  }

  async newExperiment(name: string): Promise<string> {
    const made = await this.post('experiments/create', { name });
    return (made as { experiment_id: string }).experiment_id;
  }

  async newRun(experiment: string): Promise<string> {
    const made = await this.post('runs/create', {
      experiment_id: experiment,
      start_time: 1_770_000_000_000,
      tags: [
        { key: 'mlflow.user', value: 'ada' },
        { key: 'mlflow.source.name', value: 'train.py' },
      ],
    });
    return (made as { run: { info: { run_id: string } } }).run.info.run_id;
  }

  async logBatch(run: string, batch: { metrics: readonly LoggedPoint[]; params?: readonly object[] }): Promise<void> {
    await this.post('runs/log-batch', { run_id: run, ...batch });
  }

  /** As an exporter of OpenTelemetry sends them. */
  async exportSpans(experiment: string, body: Buffer): Promise<void> {
    const headers = { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment };
    await this.#ask('POST', '/v1/traces', headers, body);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #ask(method: 'GET' | 'POST' | 'PUT', path: string, headers: object, body?: Buffer | string): Promise<string> {
    for (let repeat = 0; ; repeat++) {
      const { status, bytes } = await this.#once(method, path, headers, body).catch((error: Error) => ({
        status: 503,
        bytes: Buffer.from(error.message),
      }));
      if (status === 200) return bytes.toString('latin1');
      if (status < 500 || repeat === REPEATS)
        throw new Error(`${path}: ${status} ${bytes.toString('utf8').slice(0, 300)}`);
      this.repeated += 1;
      await delay(PAUSE_MS * 2 ** repeat);
    }
  }

  async #once(method: 'GET' | 'POST' | 'PUT', path: string, headers: object, body?: Buffer | string) {
    const { url, token } = this.#target;
    const answer = await request(`${url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...headers, ...(token !== '' && { authorization: `Bearer ${token}` }) },
      ...(body !== undefined && { body }),
    });
    return { status: answer.statusCode, bytes: Buffer.from(await answer.body.arrayBuffer()) };
  }
}
