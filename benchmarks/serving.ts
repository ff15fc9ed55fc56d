/**
 * CPU of one prediction: all processes of a `dais up` with one endpoint, compared with Python servers that have the same ONNX file,
 * request and client, at 1, 16 and 64 connections, in alternating rounds. Columns: kept connections and a new connection for each
 * request, both on the port of the gateway, and kept connections on the main port, the URL of the documentation. Servers of the
 * Open Inference Protocol are also compared over gRPC. onnxruntime-node alone is the lower limit. Then both HTTP parsers of the
 * gateway, and health checks while a model is saturated.
 *
 * `--seconds N` (default 3) is the duration of a round, `--rounds N` the number of rounds. `--peers PATTERN` selects peers, and
 * `--only PATTERN` the calls.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { boostedTrees, perceptron } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { OnnxSession } from '../packages/server/src/engines/inference/onnx/onnx-session.ts';
import { freePort } from '../packages/server/src/testing/dais-process.ts';
import { COMPARISON_FLAGS, type CallServer } from './lib/call-comparison.ts';
import type { Load } from './lib/load.ts';
import { ratioOf, short } from './lib/paired-ratio.ts';
import { ServerComparison } from './lib/server-comparison.ts';
import { overGrpc } from './serving/grpc-load.ts';
import { healthTimes } from './serving/health.ts';
import { overHttp, postRequest } from './serving/load.ts';
import { measure } from './serving/measure.ts';
import { startOwnServing } from './serving/own.ts';
import {
  startBento,
  startGatewayPeer,
  startKserve,
  startMlflow,
  startMlserver,
  startRay,
  type Peer,
} from './serving/peers.ts';
import { binaryRequest, jsonRequest, RPC_PATH, rpcMessage } from './serving/requests.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    peers: { type: 'string', default: '' },
    ...COMPARISON_FLAGS,
  },
});
const SECONDS = Number(flags.seconds);
const WARM_SECONDS = 2 * SECONDS;
const FEATURES = 30;
/** Input of the model. */
const INPUT = 'x';
const CONNECTIONS = [1, 16, 64];
/** Rounds of both HTTP parsers. */
const TURNS = 4;
/** Highest CPU of the gateway per request (µs) at 64 connections. */
const MOST_MICROS = 40;
/** How much more the best Python server costs there at least. */
const LEAST_RATIO = 10;

/** Dense layers that take about 2 ms per row. */
const SLOW_LAYERS = [64, 2048, 2048, 2048, 1];
const MOST_HEALTH_MS = 5;

const comparison = new ServerComparison('serving', {
  unit: 'µs',
  warmMs: WARM_SECONDS * 1000,
  flags,
  note: '100 trees of depth 6',
});
const { calls, claims, folder } = comparison;
// In a folder that other users may enter: the trial of a model runs as another user.
const file = join(folder, 'model', 'model.onnx');
const model = boostedTrees({ features: FEATURES, trees: 100, depth: 6 });
await mkdir(dirname(file));
await writeFile(file, model);

const row = Float32Array.from({ length: FEATURES }, (_, at) => Math.round(Math.sin(at) * 1e4) / 1e4);
if (flags.only === '') console.log(`onnxruntime-node alone, one row: ${(await alone()).toFixed(1)} µs\n`);
const numbers = Array.from(row, (value) => Number(value.toFixed(4)));
const post = (path: string, body: object) => postRequest(path, Buffer.from(JSON.stringify(body)));
const requestFor = ({ path, body }: Peer): Buffer => {
  if (body === 'open-inference') return jsonRequest(INPUT, row);
  return post(path, { inputs: body === 'inputs' ? [numbers] : { [INPUT]: [numbers] } });
};

const own = comparison.add(
  await startOwnServing(folder, { bytes: model, columns: FEATURES, grpcPort: await freePort() }),
);
const starts: Readonly<Record<string, () => Promise<Peer>>> = {
  KServe: async () => await startKserve(file),
  MLServer: async () => await startMlserver(folder, file),
  MLflow: async () => await startMlflow(folder, file),
  BentoML: async () => await startBento(file),
  Ray: async () => await startRay(file),
};
const peers: Peer[] = [];
await comparison.run(async () => {
  for (const [name, start] of Object.entries(starts)) {
    if (!new RegExp(flags.peers).test(name)) continue;
    const peer = await start().catch((error: unknown) => console.log(`left out: ${String(error)}`));
    if (peer !== undefined) peers.push(comparison.add(peer));
  }
  const request = jsonRequest(INPUT, row);
  const message = rpcMessage(INPUT, row);
  for (const connections of CONNECTIONS) {
    const suffix = `${connections} connection${connections === 1 ? '' : 's'}`;
    const round = (load: Load) => async () => await load(connections, SECONDS);
    const http = (name: string, pids: readonly number[], port: number, of: Buffer): CallServer => {
      const loads = { kept: round(overHttp(port, of)), new: round(overHttp(port, of, 'new')) };
      return { name, pids, loads };
    };
    const grpc = (name: string, pids: readonly number[], port: number): CallServer => {
      const load = (mode: 'kept' | 'new') => round(overGrpc(port, RPC_PATH, message, mode));
      return { name, pids, loads: { kept: load('kept'), new: load('new') } };
    };
    const ownHttp = http(own.name, own.pids, own.port, request);
    const documented = round(overHttp(own.mainPort, request));
    await compare(
      `one row, ${suffix}`,
      { ...ownHttp, loads: { ...ownHttp.loads, documented } },
      peers.map((peer) => http(peer.name, [peer.pid], peer.port, requestFor(peer))),
      connections,
    );
    await compare(
      `one row over gRPC, ${suffix}`,
      grpc(own.name, own.pids, own.grpcPort),
      peers.flatMap(({ name, pid, grpcPort }) => (grpcPort === undefined ? [] : [grpc(name, [pid], grpcPort)])),
      connections,
    );
  }
  calls.print();
  await comparison.stopServers();
  if (calls.isSelected('HTTP parsers')) await compareParsers();
  if (calls.isSelected('health')) await healthWhileBusy();
});

/** Compares Dais with the peers. At 64 connections, the best of the peers has a claim. */
async function compare(
  call: string,
  server: CallServer,
  others: readonly CallServer[],
  connections: number,
): Promise<void> {
  const isClaimed = connections === 64;
  const limits = isClaimed && !call.includes('gRPC') ? { kept: MOST_MICROS } : {};
  const samples = await calls.measure(call, server, others, { limits });
  const ownCosts = samples.get(server.name)?.kept;
  if (!isClaimed || ownCosts === undefined || others.length === 0) return;
  const ratios = others.map(({ name }) => {
    return { name, mean: ratioOf(samples.get(name)?.kept ?? [], ownCosts).mean };
  });
  const best = ratios.reduce((least, one) => (one.mean < least.mean ? one : least));
  const claim = `${call}: ${LEAST_RATIO} times less CPU than the best Python server`;
  const measured = `${short(best.mean)} × (${best.name})`;
  console.log(`${claim}: ${measured}: ${claims.judge(claim, best.mean >= LEAST_RATIO, measured)}`);
}

/** Compares the HTTP parser of the gateway with Node's HTTP server on one gateway, in alternating rounds. */
async function compareParsers(): Promise<void> {
  const peer = await startGatewayPeer(folder, file);
  const summarize = async (what: string, load: Load) =>
    await measure(peer, { what, load, connections: 64, seconds: SECONDS });
  const raw = overHttp(peer.port, binaryRequest(INPUT, row));
  await raw(32, WARM_SECONDS);
  await summarize('Dais gateway, binary', raw);
  const once = overHttp(peer.port, jsonRequest(INPUT, row));
  // The gateway passes a connection with a repeated header to Node's HTTP server.
  const twice = overHttp(peer.port, jsonRequest(INPUT, row, ['x-a: 1', 'x-a: 2']));
  for (const load of [once, twice]) await load(32, WARM_SECONDS);
  let [byNode, byItself] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < TURNS; turn++) {
    byNode = Math.min(byNode, await summarize('Dais, HTTP server of Node', twice));
    byItself = Math.min(byItself, await summarize('Dais, own HTTP parser', once));
  }
  console.log(
    `lowest of ${TURNS} rounds: ${byNode.toFixed(1)} µs with Node's server, ${byItself.toFixed(1)} with its own`,
  );
  await peer.stop();
}

/** How long the gateway's health takes while nothing runs, and while a model of some 2 ms has more than it can do. */
async function healthWhileBusy(): Promise<void> {
  const own = join(folder, 'busy');
  await mkdir(own);
  const slow = join(own, 'model.onnx');
  await writeFile(slow, perceptron(SLOW_LAYERS));
  const peer = await startGatewayPeer(own, slow);
  try {
    const wide = Float32Array.from({ length: SLOW_LAYERS[0] as number }, (_, at) => at % 7);
    const load = overHttp(peer.port, jsonRequest(INPUT, wide));
    const one = await load(1, SECONDS);
    const idle = await healthTimes(peer.port, SECONDS);
    const [busy, figures] = await Promise.all([healthTimes(peer.port, SECONDS), load(64, SECONDS)]);
    const format = ({ p50, p99 }: { readonly p50: number; readonly p99: number }) =>
      `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
    console.log(`\na model of ${one.p50.toFixed(1)} ms; health while idle: ${format(idle)}`);
    console.log(
      `health while 64 connections ask it (${(figures.requests / figures.seconds).toFixed(0)}/s): ${format(busy)}`,
    );
    const near = `health within ${MOST_HEALTH_MS} ms of its idle time while a model is saturated (median)`;
    console.log(`${near}: ${claims.judge(near, busy.p50 - idle.p50 <= MOST_HEALTH_MS)}`);
  } finally {
    await peer.stop();
  }
}

/** The runtime itself, one row each time, on this thread. */
async function alone(): Promise<number> {
  const session = await OnnxSession.open({ file, threads: 1, outputs: [] });
  const input = { name: INPUT, type: 'float32' as const, dims: [1, FEATURES], data: row };
  const times = 20_000;
  for (let time = 0; time < 2000; time++) await session.run([input], ['y']);
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) await session.run([input], ['y']);
  const { user, system } = process.cpuUsage(before);
  await session.release();
  return (user + system) / times;
}
