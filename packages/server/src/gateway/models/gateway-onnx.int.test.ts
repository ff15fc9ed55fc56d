/** The gateway with the real ONNX engine: batches return the same predictions as single requests. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OnnxInference } from '#engines/inference/onnx/onnx-engine.ts';
import { boostedTrees, perceptron } from '#engines/inference/onnx/onnx-files.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '../testing/gateway-world.ts';

const FEATURES = 30;

let folder: string;
let world: GatewayWorld;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-gateway-onnx-'));
  const files = {
    trees: boostedTrees({ features: FEATURES, trees: 20, depth: 4 }),
    perceptron: perceptron([FEATURES, 16, 3]),
    broken: Buffer.from('no model'),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'model.onnx'), bytes);
  }
  world = await startWorld({
    engines: [new OnnxInference({ clock: systemClock, log: silentLog })],
    files: async ({ name }) => ({ folder: join(folder, name) }),
  });
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

function row(seed: number): number[] {
  return Array.from({ length: FEATURES }, (_, index) => Math.fround(Math.sin(seed * 31 + index)));
}

test.each(['trees', 'perceptron'])(
  '%s: 50 concurrent requests get the same predictions as single ones',
  async (name) => {
    const revision = name === 'trees' ? 1 : 2;
    const { failed } = await world.gateway.swap(
      snapshot(revision, [model(name)], [endpoint('m', [['stable', name, 10_000]])]),
    );
    expect([...failed]).toEqual([]);
    const metadata = (await world.ask('/v2/models/m')).json as { inputs: { name: string; shape: number[] }[] };
    const [input] = metadata.inputs;
    expect(input?.shape).toEqual([-1, FEATURES]);
    const ask = async (seed: number) => {
      const inputs = [{ name: input?.name, shape: [1, FEATURES], datatype: 'FP32', data: row(seed) }];
      const { status, json } = await world.ask('/v2/models/m/infer', { body: JSON.stringify({ inputs }) });
      expect([status, json]).toMatchObject([200, {}]);
      return (json as { outputs: { data: number[] }[] }).outputs.map(({ data }) => data);
    };
    const seeds = Array.from({ length: 50 }, (_, seed) => seed);
    const alone: number[][][] = [];
    for (const seed of seeds) alone.push(await ask(seed));
    const before = world.gateway.stats().variants[0]?.requests ?? 0;
    const together = await Promise.all(seeds.map(ask));
    expect(world.gateway.stats().variants[0]?.requests).toBe(before + 50);
    for (const [index, outputs] of together.entries()) {
      for (const [output, values] of outputs.entries()) {
        for (const [at, value] of values.entries())
          expect(value).toBeCloseTo(alone[index]?.[output]?.[at] as number, 5);
      }
    }
  },
);

test('reports a file that is not a model, and continues to serve', async () => {
  const { failed } = await world.gateway.swap(
    snapshot(3, [model('broken')], [endpoint('m', [['stable', 'broken', 10_000]])]),
  );
  expect(failed.get('broken')).toContain('could not be loaded');
  expect((await world.ask('/v2/models/m/ready')).status).toBe(200);
});
