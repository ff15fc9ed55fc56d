/**
 * What the size of a request costs the gateway, as JSON, as a binary tensor and over gRPC: a row of 30 numbers for trees, of 784
 * for layers, of 150,528 (an image of 224 × 224 × 3) for one product, so that of the last nearly all is reading it. CPU of its
 * process for each request, in turns. `DAIS_BENCH_SECONDS` for each round (default 3).
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { boostedTrees, linear, perceptron } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { Claims } from './lib/claims.mjs';
import { overGrpc } from './serving/grpc-load.ts';
import { overHttp } from './serving/load.ts';
import { measure } from './serving/measure.ts';
import { startGatewayPeer } from './serving/peers.ts';
import { binaryRequest, jsonRequest, RPC_PATH, rpcMessage } from './serving/requests.ts';

const SECONDS = Number(process.env['DAIS_BENCH_SECONDS'] ?? 3);
const CONNECTIONS = 16;
const TURNS = 3;
const IMAGE = 224 * 224 * 3;
/** By how much JSON costs more there. */
const LEAST_RATIO = 8;

const MODELS: readonly (readonly [string, number, () => Buffer])[] = [
  ['100 trees', 30, () => boostedTrees({ features: 30, trees: 100, depth: 6 })],
  ['layers', 784, () => perceptron([784, 256, 128, 10])],
  ['image', IMAGE, () => linear(new Float32Array(IMAGE).fill(1 / IMAGE))],
];

const claims = new Claims();
const folder = await mkdtemp(join(tmpdir(), 'dais-bench-payloads-'));
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}\n`);
for (const [name, width, file] of MODELS) {
  const own = join(folder, String(width));
  await mkdir(own);
  await writeFile(join(own, 'model.onnx'), file());
  const peer = await startGatewayPeer(own, join(own, 'model.onnx'));
  try {
    const row = Float32Array.from({ length: width }, (_, at) => Math.round(Math.sin(at) * 1e4) / 1e4);
    const forms = {
      JSON: overHttp(peer.port, jsonRequest('x', row)),
      binary: overHttp(peer.port, binaryRequest('x', row)),
      gRPC: overGrpc(peer.grpcPort, RPC_PATH, rpcMessage('x', row)),
    };
    for (const load of Object.values(forms)) await load(CONNECTIONS, SECONDS);
    const least = { JSON: Number.POSITIVE_INFINITY, binary: Number.POSITIVE_INFINITY, gRPC: Number.POSITIVE_INFINITY };
    for (let turn = 0; turn < TURNS; turn++) {
      for (const form of ['JSON', 'binary', 'gRPC'] as const) {
        const what = `${name}, ${width.toLocaleString('en')}, ${form}`;
        const cost = await measure(peer, { what, load: forms[form], connections: CONNECTIONS, seconds: SECONDS });
        least[form] = Math.min(least[form], cost);
      }
    }
    const reported = Object.entries(least).map(([form, cost]) => `${form} ${cost.toFixed(1)}`);
    const ratio = least.JSON / least.binary;
    console.log(`the least: ${reported.join(', ')} µs: JSON ${ratio.toFixed(1)} times binary`);
    if (width === IMAGE) {
      const far = `JSON of an image costs ${LEAST_RATIO} times a binary tensor at least`;
      console.log(`${far}: ${claims.judge(far, ratio >= LEAST_RATIO)}`);
    }
    console.log();
  } finally {
    await peer.stop();
  }
}
await rm(folder, { recursive: true, force: true });
claims.end();
