/** Calls of MLflow's REST API as its client makes them, over kept connections or with a new connection for each call. */
import { HttpClient, type ConnectionMode, type HttpCall } from '../lib/http-client.ts';

/** MLflow's client retries a call this often when the server fails (a busy SQLite does) or closes the connection. */
const RETRIES = 7;

export interface Target {
  readonly url: string;
  /** Empty for a server without authentication. */
  readonly token: string;
}

export interface LoggedPoint {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

export class MlflowClient {
  readonly #clients: Readonly<Record<ConnectionMode, HttpClient>>;
  /** Connections of the calls that follow. */
  mode: ConnectionMode = 'kept';

  constructor({ url, token }: Target, connections: number) {
    const client = (mode: ConnectionMode) => new HttpClient(url, { mode, connections, token, retries: RETRIES });
    this.#clients = { kept: client('kept'), new: client('new') };
  }

  /** Calls that were sent again because the server failed or closed the connection. */
  get repeated(): number {
    return this.#clients.kept.repeated + this.#clients.new.repeated;
  }

  /** Returns the bytes of the response as characters. */
  async send(method: 'GET' | 'POST' | 'PUT', path: string, body?: Buffer | string): Promise<string> {
    return (await this.#send({ method, path: `/api/2.0/${path}`, body })).toString('latin1');
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

  /** Sends spans as an exporter of OpenTelemetry does. */
  async exportSpans(experiment: string, body: Buffer): Promise<void> {
    const headers = { 'content-type': 'application/x-protobuf', 'x-mlflow-experiment-id': experiment };
    await this.#send({ method: 'POST', path: '/v1/traces', headers, body });
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#clients).map(async (client) => await client.close()));
  }

  async #send(call: HttpCall): Promise<Buffer> {
    return await this.#clients[this.mode].send(call);
  }
}
