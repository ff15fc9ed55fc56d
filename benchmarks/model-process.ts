/**
 * What an isolated process adds to the cost of an ONNX model: two gateways serve the same bounded model, one within itself, one in a
 * process of its own. CPU of all processes of a gateway per request, at 1 and 8 connections, in alternating rounds, over kept
 * connections and with a new connection for each request.
 *
 * `--seconds N` (default 3) is the duration of a round, `--rounds N` the number of rounds, `--only PATTERN` selects lines.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { boostedTrees } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { COMPARISON_FLAGS } from './lib/call-comparison.ts';
import { ServerComparison } from './lib/server-comparison.ts';
import { overHttp } from './serving/load.ts';
import { startGatewayPeer, type ModelHost, type Peer } from './serving/peers.ts';
import { jsonRequest } from './serving/requests.ts';

const { values: flags } = parseArgs({ options: { seconds: { type: 'string', default: '3' }, ...COMPARISON_FLAGS } });
const SECONDS = Number(flags.seconds);
const CONNECTIONS = [1, 8];
const FEATURES = 30;
const HOSTS: readonly (readonly [host: ModelHost, name: string])[] = [
  ['gateway', 'Dais, model in the gateway'],
  ['process', 'Dais, model in a process'],
];

const comparison = new ServerComparison('model-process', {
  unit: 'µs',
  warmMs: 2000 * SECONDS,
  flags,
  note: '100 trees of depth 6',
});
await comparison.run(async () => {
  const { folder } = comparison;
  // In a folder that other users may enter: the process of a model runs as another user.
  const file = join(folder, 'model', 'model.onnx');
  await mkdir(dirname(file));
  await writeFile(file, boostedTrees({ features: FEATURES, trees: 100, depth: 6 }));
  const row = Float32Array.from({ length: FEATURES }, (_, at) => Math.sin(at));
  const gateways: (Peer & { readonly title: string })[] = [];
  for (const [host, title] of HOSTS) {
    await mkdir(join(folder, host));
    gateways.push({ ...comparison.add(await startGatewayPeer(join(folder, host), file, host)), title });
  }
  for (const connections of CONNECTIONS) {
    const [first, ...others] = gateways.map(({ title, pid, port }) => {
      const load = (mode: 'kept' | 'new') => async () =>
        await overHttp(port, jsonRequest('x', row), mode)(connections, SECONDS);
      return { name: title, pids: [pid], loads: { kept: load('kept'), new: load('new') } };
    });
    const call = `one row, ${connections} connection${connections === 1 ? '' : 's'}`;
    if (first !== undefined) await comparison.calls.measure(call, first, others);
  }
});
