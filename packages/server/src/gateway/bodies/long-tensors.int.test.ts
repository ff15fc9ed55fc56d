/** Large tensors use recycled memory: concurrent requests never receive each other's data. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OnnxInference } from '#engines/inference/onnx/onnx-engine.ts';
import { linear } from '#engines/inference/onnx/onnx-files.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '../testing/gateway-world.ts';
import { PlainEngine } from '../testing/plain-engine.ts';

const WIDTH = 40_000;
const AT_ONCE = 24;
const ROUNDS = 4;

let folder: string;
let world: GatewayWorld;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-long-tensors-'));
  await mkdir(join(folder, 'linear'));
  await writeFile(join(folder, 'linear', 'model.onnx'), linear(new Float32Array(WIDTH).fill(1 / WIDTH)));
  const plain = new PlainEngine();
  plain.refusal = async () => undefined;
  const onnx = new OnnxInference({ clock: systemClock, log: silentLog, callerThreadBytes: 0 });
  world = await startWorld({
    engines: [onnx, plain],
    files: async ({ name }) => ({ folder: join(folder, name) }),
  });
  const same = [['stable', 'identity-FP32', 10_000]] as const;
  const capture = { share: 1, overflow: 'drop' as const, omit: [] };
  const { failed } = await world.gateway.swap(
    snapshot(
      1,
      [model('linear'), model('identity-FP32')],
      [
        endpoint('linear', [['stable', 'linear', 10_000]]),
        endpoint('same', same),
        endpoint('shadowed', same, {
          shadow: [{ name: 'copy', model: 'identity-FP32', percent: 100 }],
          capture: { policy: 'ack', ...capture },
        }),
        endpoint('later', same, { capture: { policy: 'async', ...capture } }),
      ],
    ),
  );
  if (failed.size > 0) throw new Error([...failed.values()].join());
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts at any offset: the JSON before it is as long as its id. */
async function ask(name: string, input: string, row: Float32Array, id: string): Promise<Float32Array> {
  const head = Buffer.from(
    JSON.stringify({
      id,
      inputs: [{ name: input, shape: [1, WIDTH], datatype: 'FP32', parameters: { binary_data_size: row.byteLength } }],
      parameters: { binary_data_output: true },
    }),
  );
  const { status, headers, bytes } = await world.ask(`/v2/models/${name}/infer`, {
    body: Buffer.concat([head, Buffer.from(row.buffer)]),
    headers: { 'inference-header-content-length': String(head.length) },
  });
  expect(status).toBe(200);
  return new Float32Array(new Uint8Array(bytes.subarray(Number(headers['inference-header-content-length']))).buffer);
}

/** All elements are equal, so that foreign data is visible. */
const rowOf = (seed: number) => new Float32Array(WIDTH).fill(seed);

async function many(check: (seed: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, at) => await check(round * AT_ONCE + at + 1)));
  }
}

test.each(['same', 'shadowed', 'later'])('%s: each request gets its own data', async (name) => {
  await many(async (seed) => {
    const answer = await ask(name, 'INPUT0', rowOf(seed), 'x'.repeat(seed));
    expect([answer.length, answer.findIndex((value) => value !== seed)]).toEqual([WIDTH, -1]);
  });
});

test('in a thread, in batches and alone', async () => {
  await many(async (seed) => {
    const [mean] = await ask('linear', 'x', rowOf(seed), 'x'.repeat(seed));
    expect(mean).toBeCloseTo(seed, 2);
  });
  for (const seed of [1, 2, 3]) expect((await ask('linear', 'x', rowOf(seed), ''))[0]).toBeCloseTo(seed, 2);
});

test.each([
  ['later', 'a record written after the response', false],
  ['shadowed', 'the request of a shadow after the response', true],
])('%s: %s equals the request', async (name, _, copied) => {
  world.capture.records.length = 0;
  await many(async (seed) => void (await ask(name, 'INPUT0', rowOf(seed), String(seed))));
  const { length } = world.capture.records.filter(({ shadowOf }) => shadowOf === undefined);
  expect(length).toBe(AT_ONCE * ROUNDS);
  await expect.poll(() => world.capture.records.some(({ shadowOf }) => shadowOf !== undefined)).toBe(copied);
  for (const { callerId, inputs, outputs } of world.capture.records) {
    for (const { data } of [...inputs, ...outputs]) {
      expect((data as Float32Array).findIndex((value) => value !== Number(callerId))).toBe(-1);
    }
  }
});
