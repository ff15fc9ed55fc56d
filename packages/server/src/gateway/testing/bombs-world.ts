/**
 * ONNX models that exhaust memory or time, each at an endpoint next to one that works, at a gateway under light load.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '#engines/inference/contract.ts';
import type { OnnxBomb } from '#engines/inference/onnx/onnx-bombs.testing.ts';
import { OnnxInference } from '#engines/inference/onnx/onnx-engine.ts';
import { perceptron } from '#engines/inference/onnx/onnx-files.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { endpoint, model, snapshot, startWorld } from './gateway-world.ts';

export interface BombReport {
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  /** Of the requests that trigger the failure. */
  readonly statuses: readonly number[];
  readonly answers: readonly string[];
}

export interface BombsReport {
  readonly bombs: readonly BombReport[];
  /** Of the requests to the neighbor endpoint. */
  readonly answered: number;
  readonly failed: readonly string[];
  /** The most CPU time that the thread of the gateway used during one request to the neighbor endpoint. */
  readonly mostCpuMs: number;
  /** Largest growth of the memory of the gateway process. */
  readonly grownBytes: number;
}

const MEMORY_BYTES = 512 * 2 ** 20;
const LIMIT_MS = 2000;
const PAUSE_MS = 10;

/**
 * Serves all of them together, sends each the triggering inputs twice, and returns the outcomes of them and of the
 * neighbor.
 */
export async function serveBombs(bombs: readonly OnnxBomb[], loadMs = 10_000): Promise<BombsReport> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-bombs-'));
  const keys = bombs.map((_, at) => `bomb-${at}`);
  const put = async (key: string, files: Readonly<Record<string, Buffer>>) => {
    await mkdir(join(folder, key));
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, key, name), bytes);
  };
  await put('healthy', { 'model.onnx': perceptron([4, 8, 2]) });
  for (const [at, { file, files = {} }] of bombs.entries()) await put(`bomb-${at}`, { 'model.onnx': file, ...files });
  const world = await startWorld({
    engines: [new OnnxInference({ clock: systemClock, log: silentLog })],
    files: async ({ name }) => ({ folder: join(folder, name) }),
  });
  const infer = async (name: string, inputs: readonly Tensor[]) => {
    const body = JSON.stringify({ inputs: inputs.map(jsonOf) });
    return await world.ask(`/v2/models/${name}/infer`, { body });
  };
  try {
    const healthy = [endpoint('healthy', [['stable', 'healthy', 10_000]])];
    await world.gateway.swap(snapshot(1, [model('healthy')], healthy));
    const input =
      ((await world.ask('/v2/models/healthy')).json as { inputs: { name: string }[] }).inputs[0]?.name ?? '';
    const row: Tensor = { name: input, datatype: 'FP32', shape: [1, 4], data: new Float32Array(4) };
    const before = process.memoryUsage.rss();
    const watch = { on: true, answered: 0, failed: [] as string[], mostCpuMs: 0, grownBytes: 0 };
    const load = (async () => {
      while (watch.on) {
        const earlier = process.threadCpuUsage();
        const { status, json } = await infer('healthy', [row]);
        const { user, system } = process.threadCpuUsage(earlier);
        watch.mostCpuMs = Math.max(watch.mostCpuMs, (user + system) / 1000);
        watch.grownBytes = Math.max(watch.grownBytes, process.memoryUsage.rss() - before);
        if (status === 200) watch.answered += 1;
        else watch.failed.push(JSON.stringify(json));
        await new Promise((resolve) => void setTimeout(resolve, PAUSE_MS));
      }
    })();
    const limits = { memoryBytes: MEMORY_BYTES, loadMs, inferMs: LIMIT_MS, rows: 1000 };
    const reports: BombReport[] = [];
    try {
      await world.gateway.swap(
        snapshot(
          2,
          [model('healthy'), ...keys.map((key) => model(key, limits))],
          [...healthy, ...keys.map((key) => endpoint(key, [['stable', key, 10_000]], { timeoutMs: 20_000 }))],
        ),
      );
      for (const [at, { name, inputs }] of bombs.entries()) {
        const key = `bomb-${at}`;
        const replies = [await infer(key, inputs), await infer(key, inputs)];
        const slot = world.gateway.stats().models.find((one) => one.key === key);
        reports.push({
          name,
          state: slot?.state ?? 'absent',
          reason: slot?.reason ?? '',
          statuses: replies.map(({ status }) => status),
          answers: replies.map(({ bytes }) => bytes.toString('utf8').slice(0, 500)),
        });
      }
    } finally {
      watch.on = false;
      await load;
    }
    const { answered, failed, mostCpuMs, grownBytes } = watch;
    return { bombs: reports, answered, failed, mostCpuMs, grownBytes };
  } finally {
    await world.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function jsonOf({ name, datatype, shape, data }: Tensor) {
  const values = datatype === 'BYTES' ? (data as readonly Buffer[]).map(String) : Array.from(data as Float32Array);
  return { name, datatype, shape, data: values };
}
