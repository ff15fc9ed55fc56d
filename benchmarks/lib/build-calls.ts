/** The calls that two builds are compared with. Every call of a round costs both servers the same rows. */
import { MlflowClient } from '../mlflow/client.ts';
import { overHttp, postRequest } from '../serving/load.ts';
import { apply, deploy, viewerToken, type BuildServer } from './build-server.ts';
import type { ConnectionMode } from './http-client.ts';
import { CallCounter, runCalls, type Call, type LoadFigures } from './load.ts';
import { cpuOf } from './processes.ts';

export interface CallCost {
  /** Microseconds of CPU of all processes of the server, per call. */
  readonly cpu: number;
  /** Median latency (ms). */
  readonly p50: number;
}

export interface Calls {
  readonly name: string;
  measure(): Promise<CallCost>;
}

export interface CallOptions {
  /** Share of the calls and of the time of each measurement. */
  readonly share: number;
  readonly connections: number;
}

/** The servers of one build. */
export interface BuildServers {
  readonly solo: BuildServer;
  readonly accounts: BuildServer;
}

const SECONDS = 1.5;
const CHANNELS = 100;
const BATCH_METRICS = 20;

export const READ = 'authenticated read';
export const SOLO_READ = 'read without accounts';

export async function prepareCalls({ solo, accounts }: BuildServers, options: CallOptions): Promise<readonly Calls[]> {
  const { connections, share } = options;
  const gateway = await deploy(solo, ['off', 'ack']);
  const client = new MlflowClient({ url: solo.url, token: solo.ownerToken }, connections);
  const experiment = await client.newExperiment('benchmark');
  const runs = await Promise.all(Array.from({ length: connections }, async () => await client.newRun(experiment)));
  const run = (number: number) => runs[number] ?? '';
  const secret = { kind: 'Secret', name: 'read', spec: {} };
  for (const server of [solo, accounts]) await apply(server, [secret]);
  const token = await viewerToken(accounts);
  const counted = (name: string, server: BuildServer, calls: number, clients: number, call: Call): Calls => {
    const counter = new CallCounter();
    const count = Math.max(clients, Math.ceil(calls * share));
    return {
      name,
      measure: async () => await perCall(server, async () => await runCalls(count, clients, call, counter)),
    };
  };
  const timed = (
    name: string,
    server: BuildServer,
    port: number,
    request: Buffer,
    mode: ConnectionMode = 'kept',
  ): Calls => ({
    name,
    measure: async () =>
      await perCall(server, async () => {
        const { requests, failures, p50 } = await overHttp(port, request, mode)(connections, SECONDS * share);
        if (failures > 0) throw new Error(`${name}: ${failures} of ${requests} requests failed`);
        return { requests, p50 };
      }),
  });
  return [
    counted(`apply of ${CHANNELS} manifests`, solo, 4, 1, async (index) => await apply(solo, channels(index))),
    counted('log-metric', solo, 500, connections, async (index, number) => {
      await client.post('runs/log-metric', { run_id: run(number), ...point('loss', index) });
    }),
    counted(`log-batch of ${BATCH_METRICS} metrics`, solo, 200, connections, async (index, number) => {
      const metrics = Array.from({ length: BATCH_METRICS }, (_, key) => point(`metric ${key}`, index));
      await client.logBatch(run(number), { metrics });
    }),
    timed('infer', solo, gateway, inferRequest('capture-off')),
    timed('infer, new connection', solo, gateway, inferRequest('capture-off'), 'new'),
    timed('infer, main port', solo, solo.port, inferRequest('capture-off')),
    timed('infer with capture', solo, gateway, inferRequest('capture-ack')),
    timed(SOLO_READ, solo, solo.port, readRequest(solo.ownerToken)),
    timed(`${SOLO_READ}, new connection`, solo, solo.port, readRequest(solo.ownerToken), 'new'),
    timed(READ, accounts, accounts.port, readRequest(token)),
  ];
}

async function perCall(
  { pid }: BuildServer,
  work: () => Promise<Pick<LoadFigures, 'requests' | 'p50'>>,
): Promise<CallCost> {
  const from = cpuOf([pid]);
  const { requests, p50 } = await work();
  return { cpu: ((cpuOf([pid]) - from) * 1000) / requests, p50 };
}

/** Every call changes every resource. */
function channels(index: number) {
  return Array.from({ length: CHANNELS }, (_, at) => ({
    kind: 'AlertChannel',
    name: `channel-${at}`,
    spec: { description: `Change ${index}`, send: { type: 'webhook', url: `https://alerts.example.com/${at}` } },
  }));
}

function point(key: string, step: number) {
  return { key, value: 1 / (step + 1), timestamp: 1_770_000_000_000 + step, step };
}

function inferRequest(endpoint: string): Buffer {
  const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [1] }] };
  return postRequest(`/v2/models/${endpoint}/infer`, Buffer.from(JSON.stringify(body)));
}

function readRequest(token: string): Buffer {
  const lines = ['GET /api/v1/secrets/read HTTP/1.1', 'host: 127.0.0.1', `authorization: Bearer ${token}`];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
