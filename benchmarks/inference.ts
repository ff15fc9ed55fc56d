/**
 * The overhead of the inference engine over onnxruntime's `session.run`: CPU time of this process (its threads
 * included) for each row, by batch size, raw compared with the engine on the caller's thread and in a separate thread.
 * Models are made here: trees (100 of depth 6, 30 features) and layers (784-256-128-10). Ratios apply to any machine;
 * microseconds only to this one.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { LoadedModel, Tensor } from '../packages/server/src/engines/inference/contract.ts';
import { OnnxInference } from '../packages/server/src/engines/inference/onnx/onnx-engine.ts';
import { boostedTrees, perceptron } from '../packages/server/src/engines/inference/onnx/onnx-files.testing.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { silentLog } from '../packages/server/src/lib/log.ts';
import { benchmarkFolder } from './lib/cleanup.mjs';

/** The used part of its interface: it is a dependency of the server's package, not of this one. */
interface Runtime {
  readonly InferenceSession: { create(file: string, options: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => unknown;
}
interface Session {
  run(feeds: Readonly<Record<string, unknown>>): Promise<unknown>;
  release(): Promise<void>;
}

const runtime = createRequire(new URL('../packages/server/package.json', import.meta.url))(
  'onnxruntime-node',
) as Runtime;
const BATCHES = [1, 8, 32, 128];
const ROUNDS = 5;

/** Microseconds of CPU for each row: the least of some rounds, because what else the machine does only adds. */
async function cpuPerRow(rows: number, work: () => Promise<unknown>): Promise<number> {
  const calls = Math.max(50, Math.ceil(4000 / rows));
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let call = 0; call < calls; call++) await work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / calls / rows);
  }
  return least;
}

const folder = benchmarkFolder('inference');
// Threads of the engine do not hold a process, and there is no server here that does.
const hold = setInterval(() => {}, 60_000);
const dependencies = { clock: systemClock, log: silentLog };
try {
  process.stdout.write(`load ${loadavg()[0]?.toFixed(1)}\nmodel  rows  raw µs/row  here  thread\n`);
  for (const [name, width, bytes] of [
    ['trees', 30, boostedTrees({ features: 30, trees: 100, depth: 6 })],
    ['layers', 784, perceptron([784, 256, 128, 10])],
  ] as const) {
    const files = { folder: join(folder, name) };
    await mkdir(files.folder);
    await writeFile(join(files.folder, 'model.onnx'), bytes);
    const session = await runtime.InferenceSession.create(join(files.folder, 'model.onnx'), { intraOpNumThreads: 1 });
    const here: LoadedModel = await new OnnxInference(dependencies).load(files, { trust: 'trusted' });
    const thread = await new OnnxInference({ ...dependencies, callerThreadBytes: 0 }).load(files, { trust: 'trusted' });
    for (const rows of BATCHES) {
      const data = Float32Array.from({ length: rows * width }, (_, index) => Math.abs(Math.sin(index)));
      const tensor: Tensor = { name: 'x', datatype: 'FP32', shape: [rows, width], data };
      const raw = await cpuPerRow(rows, () => session.run({ x: new runtime.Tensor('float32', data, [rows, width]) }));
      const ours = await cpuPerRow(rows, () => here.infer([tensor]));
      const hop = await cpuPerRow(rows, () => thread.infer([tensor]));
      const ratio = (value: number) => `${value.toFixed(1)} (${(value / raw).toFixed(2)}x)`;
      process.stdout.write(`${name}  ${rows}  ${raw.toFixed(1)}  ${ratio(ours)}  ${ratio(hop)}\n`);
    }
    await here.close();
    await thread.close();
    await session.release();
  }
} finally {
  clearInterval(hold);
}
