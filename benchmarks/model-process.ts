/**
 * What a process of its own costs an ONNX model at each request: two gateways serve the same bounded model, one within itself, one
 * in an isolated process, and are measured in turns at 1 and 8 connections. CPU is that of all processes of a gateway.
 * `DAIS_BENCH_SECONDS` for each round (default 3).
 *
 *     npx tsx --conditions=dais-source benchmarks/model-process.ts
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { boostedTrees } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { overHttp } from './serving/load.ts';
import { measure } from './serving/measure.ts';
import { startGatewayPeer, type ModelHost } from './serving/peers.ts';
import { jsonRequest } from './serving/requests.ts';

const SECONDS = Number(process.env['DAIS_BENCH_SECONDS'] ?? 3);
const CONNECTIONS = [1, 8];
const TURNS = 4;
const FEATURES = 30;
const LOCATIONS: readonly ModelHost[] = ['gateway', 'process'];

const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-model-process-'));
// In a folder that other users may enter: the process of a model runs as another user.
const file = join(folder, 'model', 'model.onnx');
await mkdir(dirname(file));
await writeFile(file, boostedTrees({ features: FEATURES, trees: 100, depth: 6 }));
console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; 100 trees of depth 6, one row a request`);
const request = jsonRequest(
  'x',
  Float32Array.from({ length: FEATURES }, (_, at) => Math.sin(at)),
);
const peers = new Map<ModelHost, Awaited<ReturnType<typeof startGatewayPeer>>>();
try {
  for (const location of LOCATIONS) {
    await mkdir(join(folder, location));
    const peer = await startGatewayPeer(join(folder, location), file, location);
    peers.set(location, peer);
    await overHttp(peer.port, request)(8, 2 * SECONDS);
  }
  for (const connections of CONNECTIONS) {
    const least = { gateway: Number.POSITIVE_INFINITY, process: Number.POSITIVE_INFINITY };
    for (let turn = 0; turn < TURNS; turn++)
      for (const [location, peer] of peers) {
        const what = location === 'gateway' ? 'in the gateway' : 'in a process';
        const cost = await measure(peer, { what, load: overHttp(peer.port, request), connections, seconds: SECONDS });
        least[location] = Math.min(least[location], cost);
      }
    const ratio = (least.process / least.gateway).toFixed(1);
    console.log(
      `${connections} connections, least of ${TURNS} turns: ${least.gateway.toFixed(1)} µs of CPU in the gateway, ` +
        `${least.process.toFixed(1)} µs in a process (${ratio} times)\n`,
    );
  }
} finally {
  for (const peer of peers.values()) await peer.stop();
  await rm(folder, { recursive: true });
}
