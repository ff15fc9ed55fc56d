/**
 * What one prediction costs: CPU of the whole process tree of a server for each request, of a gateway of Dais and of the Python
 * servers beside it, with the same ONNX file, body and client, at 1, 16 and 64 connections; onnxruntime-node alone as the
 * limit; over gRPC too, of those that speak the Open Inference Protocol there. Then how soon health is answered beside a busy
 * model. `DAIS_BENCH_SECONDS` for each round (default 3). Read CPU and ratios: the client shares the machine.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { boostedTrees, perceptron } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { OnnxSession } from '../packages/server/src/engines/inference/onnx/onnx-session.ts';
import { Claims } from './lib/claims.mjs';
import { healthTimes } from './serving/health.ts';
import type { Load } from './serving/figures.ts';
import { overGrpc } from './serving/grpc-load.ts';
import { overHttp, postRequest } from './serving/load.ts';
import { measure } from './serving/measure.ts';
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

const SECONDS = Number(process.env['DAIS_BENCH_SECONDS'] ?? 3);
const WARM_SECONDS = 2 * SECONDS;
const FEATURES = 30;
/** Of the file that is made below. */
const INPUT = 'x';
const CONNECTIONS = [1, 16, 64];
/** In which both ways of reading HTTP are measured. */
const TURNS = 4;
/** In microseconds of CPU, of the gateway at 64 connections. */
const MOST_MICROS = 40;
/** By how much the best of the Python servers costs more there. */
const LEAST_RATIO = 10;

/** Dense layers of some 2 ms a row. */
const SLOW_LAYERS = [64, 2048, 2048, 2048, 1];
const MOST_HEALTH_MS = 5;

const claims = new Claims();
const folder = await mkdtemp(join(tmpdir(), 'dais-bench-serving-'));
// In a folder that other users may enter: the trial of a model runs as another user.
const file = join(folder, 'model', 'model.onnx');
await mkdir(dirname(file));
await writeFile(file, boostedTrees({ features: FEATURES, trees: 100, depth: 6 }));
console.log(
  `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}; 100 trees of depth 6\n`,
);

const row = Float32Array.from({ length: FEATURES }, (_, at) => Math.round(Math.sin(at) * 1e4) / 1e4);
console.log(`onnxruntime-node alone, one row: ${(await alone()).toFixed(1)} µs\n`);
const numbers = Array.from(row, (value) => Number(value.toFixed(4)));
const post = (path: string, body: object) => postRequest(path, Buffer.from(JSON.stringify(body)));
const requestFor = ({ path, body }: Peer): Buffer => {
  if (body === 'open-inference') return jsonRequest(INPUT, row);
  return post(path, { inputs: body === 'inputs' ? [numbers] : { [INPUT]: [numbers] } });
};

const starts: readonly (() => Promise<Peer>)[] = [
  async () => await startGatewayPeer(folder, file),
  async () => await startKserve(file),
  async () => await startMlserver(folder, file),
  async () => await startMlflow(folder, file),
  async () => await startBento(file),
  async () => await startRay(file),
];
const message = rpcMessage(INPUT, row);
/** Microseconds at 64 connections; of the others the least. */
const costs = { http: { own: 0, best: Number.POSITIVE_INFINITY }, grpc: { own: 0, best: Number.POSITIVE_INFINITY } };
for (const start of starts) {
  const peer = await start().catch((error: unknown) => console.log(`left out: ${String(error)}`));
  if (peer === undefined) continue;
  try {
    await compare(peer, peer.name, overHttp(peer.port, requestFor(peer)), costs.http);
    if (isOwn(peer)) await waysOfHttp(peer);
    if (peer.grpcPort === undefined) continue;
    await compare(peer, `${peer.name}, gRPC`, overGrpc(peer.grpcPort, RPC_PATH, message), costs.grpc);
  } finally {
    await peer.stop();
  }
}
await healthWhileBusy();
const cheap = `${MOST_MICROS} µs at most at 64 connections`;
console.log(
  `\n${costs.http.own.toFixed(1)} µs of CPU, ${cheap}: ${claims.judge(cheap, costs.http.own <= MOST_MICROS)}`,
);
for (const [how, { own, best }] of [['', costs.http] as const, [' over gRPC', costs.grpc] as const]) {
  if (!Number.isFinite(best)) continue;
  const far = `the best Python server costs ${LEAST_RATIO} times as much at least${how}`;
  console.log(`${(best / own).toFixed(1)} times, ${far}: ${claims.judge(far, best / own >= LEAST_RATIO)}`);
}
await rm(folder, { recursive: true, force: true });
claims.end();

function isOwn({ name }: Peer): boolean {
  return name.startsWith('Dais');
}

async function compare(peer: Peer, what: string, load: Load, into: { own: number; best: number }): Promise<void> {
  // Until the compiler of JavaScript has seen enough.
  await load(32, WARM_SECONDS);
  for (const connections of CONNECTIONS) {
    const cost = await measure(peer, { what, load, connections, seconds: SECONDS });
    if (connections !== 64) continue;
    if (isOwn(peer)) into.own = cost;
    else into.best = Math.min(into.best, cost);
  }
}

/** Binary tensors; and the same JSON, read by Node's HTTP server and by the gateway itself, in turns. */
async function waysOfHttp(peer: Peer): Promise<void> {
  const summarize = async (what: string, load: Load) =>
    await measure(peer, { what, load, connections: 64, seconds: SECONDS });
  const raw = overHttp(peer.port, binaryRequest(INPUT, row));
  // As the other: measured cold, it seemed dearer than JSON.
  await raw(32, WARM_SECONDS);
  await summarize('Dais gateway, binary', raw);
  const once = overHttp(peer.port, jsonRequest(INPUT, row));
  // A header twice: the gateway leaves such a connection to Node's HTTP server, and does all else as before.
  const twice = overHttp(peer.port, jsonRequest(INPUT, row, ['x-a: 1', 'x-a: 2']));
  await twice(32, WARM_SECONDS);
  let [byNode, byItself] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < TURNS; turn++) {
    byNode = Math.min(byNode, await summarize('Dais, HTTP by Node', twice));
    byItself = Math.min(byItself, await summarize('Dais, HTTP by itself', once));
  }
  console.log(`the least of ${TURNS} turns: ${byNode.toFixed(1)} µs by Node, ${byItself.toFixed(1)} by itself`);
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
