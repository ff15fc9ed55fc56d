/**
 * What the size of a request costs a `dais up` with one endpoint, as a binary tensor, as JSON and over gRPC: a row of 30 numbers for
 * trees, of 784 for layers, of 150,528 (an image of 224 × 224 × 3) for one product, where reading is nearly all of the work. CPU of
 * all processes per request in alternating rounds: over kept connections and with a new connection for each request, both on the
 * port of the gateway, and over kept connections on the main port, the URL of the documentation.
 *
 * `--seconds N` (default 3) is the duration of a round, `--rounds N` the number of rounds, `--only PATTERN` selects models.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boostedTrees, linear, perceptron } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { freePort } from '../packages/server/src/testing/dais-process.ts';
import { COMPARISON_FLAGS, type CallServer } from './lib/call-comparison.ts';
import type { ConnectionMode } from './lib/http-client.ts';
import { describeInterval, ratioOf } from './lib/paired-ratio.ts';
import { ServerComparison } from './lib/server-comparison.ts';
import { overGrpc } from './serving/grpc-load.ts';
import { overHttp } from './serving/load.ts';
import { startOwnServing } from './serving/own.ts';
import { binaryRequest, jsonRequest, RPC_PATH, rpcMessage } from './serving/requests.ts';

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '3' }, ...COMPARISON_FLAGS } });
const SECONDS = Number(flags.seconds);
const CONNECTIONS = 16;
const IMAGE = 224 * 224 * 3;
/** How much more JSON of an image costs at least. */
const LEAST_RATIO = 8;

const MODELS: readonly (readonly [name: string, width: number, file: () => Buffer])[] = [
  ['100 trees', 30, () => boostedTrees({ features: 30, trees: 100, depth: 6 })],
  ['layers', 784, () => perceptron([784, 256, 128, 10])],
  ['image', IMAGE, () => linear(new Float32Array(IMAGE).fill(1 / IMAGE))],
];

const comparison = new ServerComparison('payloads', { unit: 'µs', warmMs: SECONDS * 1000, flags });
const { calls, claims, folder } = comparison;
await comparison.run(async () => {
  for (const [name, width, file] of MODELS) {
    const call = `${name}, ${width.toLocaleString('en')} numbers`;
    if (!calls.isSelected(call)) continue;
    const home = join(folder, String(width));
    await mkdir(home);
    const own = await startOwnServing(home, { bytes: file(), columns: width, grpcPort: await freePort() });
    try {
      const row = Float32Array.from({ length: width }, (_, at) => Math.round(Math.sin(at) * 1e4) / 1e4);
      const round = (load: ReturnType<typeof overHttp>) => async () => await load(CONNECTIONS, SECONDS);
      const http = (form: string, request: Buffer): CallServer => {
        const load = (port: number, mode: ConnectionMode) => round(overHttp(port, request, mode));
        const loads = {
          kept: load(own.port, 'kept'),
          new: load(own.port, 'new'),
          documented: load(own.mainPort, 'kept'),
        };
        return { name: `Dais, ${form}`, pids: own.pids, loads };
      };
      const message = rpcMessage('x', row);
      const rpc = (mode: ConnectionMode) => round(overGrpc(own.grpcPort, RPC_PATH, message, mode));
      const grpc = { name: 'Dais, gRPC', pids: own.pids, loads: { kept: rpc('kept'), new: rpc('new') } };
      const [binary, json] = [http('binary', binaryRequest('x', row)), http('JSON', jsonRequest('x', row))];
      const samples = await calls.measure(call, binary, [json, grpc]);
      if (width !== IMAGE) continue;
      const ratio = ratioOf(samples.get(json.name)?.kept ?? [], samples.get(binary.name)?.kept ?? []);
      const claim = `JSON of an image costs at least ${LEAST_RATIO} times as much as a binary tensor`;
      const measured = describeInterval(ratio, ' ×');
      console.log(`${claim}: ${measured}: ${claims.judge(claim, ratio.mean >= LEAST_RATIO, measured)}`);
    } finally {
      await own.stop();
    }
  }
});
