/** Operations of Dais as its API client sends them: HTTP to a `dais up`, over kept connections and with a new one for each call. */
import { parseArgs } from 'node:util';
import { operationCall } from '../../packages/api/src/client/operation-call.ts';
import { operationNamed } from '../../packages/server/src/testing/matrix-caller.ts';
import { COMPARISON_FLAGS } from './call-comparison.ts';
import { HttpClient, type ConnectionMode, type HttpCall } from './http-client.ts';
import { CallCounter, runCalls } from './load.ts';
import { startOwnServer, type OwnServer } from './own-server.ts';
import { ServerComparison } from './server-comparison.ts';

/** Calls an operation by its name. */
export type CallOperation = <Output>(operation: string, input: object) => Promise<Output>;

const WARM_MS = 1000;
/** Of each client; the measured calls use one. */
const CONNECTIONS = 8;
const text = (value: string) => ({ type: 'string', default: value }) as const;

export class OwnCalls {
  readonly server: OwnServer;
  /** Over kept connections. */
  readonly call: CallOperation;
  readonly #clients: Readonly<Record<ConnectionMode, HttpClient>>;
  readonly #comparison: ServerComparison;
  /** Of the command line. */
  readonly flags: Readonly<Record<string, string>>;
  readonly #share: number;

  private constructor(comparison: ServerComparison, server: OwnServer, flags: Readonly<Record<string, string>>) {
    const client = (mode: ConnectionMode) =>
      new HttpClient(server.url, { mode, connections: CONNECTIONS, token: server.token });
    this.server = server;
    this.flags = flags;
    this.#share = Number(flags['share']);
    this.#clients = { kept: client('kept'), new: client('new') };
    this.call = callerOf(this.#clients.kept);
    this.#comparison = comparison;
  }

  /** Starts Dais for a benchmark with the options `--rounds`, `--share`, `--only` and those with these defaults. */
  static async start(name: string, defaults: Readonly<Record<string, string>> = {}): Promise<OwnCalls> {
    const more = Object.entries({ share: '1', ...defaults }).map(([key, value]) => [key, text(value)] as const);
    const { values } = parseArgs({ options: { ...Object.fromEntries(more), ...COMPARISON_FLAGS } });
    const { share }: Readonly<Record<string, string>> = values;
    const comparison = new ServerComparison(name, { unit: 'ms', warmMs: WARM_MS * Number(share), flags: values });
    return new OwnCalls(comparison, comparison.add(await startOwnServer(comparison.folder)), values);
  }

  /** Measures a call, this number of times per round, one after the other. `limit`: highest CPU (ms) over a kept connection. */
  async measure(
    name: string,
    times: number,
    work: (call: CallOperation, index: number) => Promise<unknown>,
    limit?: number,
  ): Promise<void> {
    await this.#measure(name, times, (client) => async (index) => await work(callerOf(client), index), limit);
  }

  /** Measures a request that is no operation. */
  async measureRequest(name: string, times: number, request: (index: number) => HttpCall, limit?: number) {
    await this.#measure(name, times, (client) => async (index) => await client.send(request(index)), limit);
  }

  isSelected(name: string): boolean {
    return this.#comparison.calls.isSelected(name);
  }

  /** Prints the results and stops Dais. */
  async end(): Promise<void> {
    for (const client of Object.values(this.#clients)) await client.close();
    await this.#comparison.end();
  }

  async #measure(
    name: string,
    times: number,
    callWith: (client: HttpClient) => (index: number) => Promise<unknown>,
    limit: number | undefined,
  ): Promise<void> {
    const counter = new CallCounter();
    const load = (mode: ConnectionMode) => {
      const call = callWith(this.#clients[mode]);
      return async () => await runCalls(times * this.#share, 1, call, counter);
    };
    const { name: server, pids } = this.server;
    const own = { name: server, pids, loads: { kept: load('kept'), new: load('new') } };
    await this.#comparison.calls.measure(name, own, [], limit === undefined ? {} : { limits: { kept: limit } });
  }
}

function callerOf(client: HttpClient): CallOperation {
  return async (name, input) => {
    const { method, path, query, body, headers } = operationCall(operationNamed(name), { ...input });
    const fields = Object.entries(query ?? {}).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, String(value)] as [string, string]],
    );
    const search = fields.length === 0 ? '' : `?${new URLSearchParams(fields).toString()}`;
    return await client.json({ method, path: `${path}${search}`, body: body?.text, ...(headers && { headers }) });
  };
}
