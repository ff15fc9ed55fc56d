import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { servingDoors, servingRpcs } from '#compose/serving.ts';
import { boostedTrees, linear } from '#engines/inference/onnx/onnx-files.testing.ts';
import { OnnxInference } from '#engines/inference/onnx/onnx-engine.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { startGateway, type Gateway } from '../index.ts';

const dependencies = { clock: systemClock, log: silentLog };
const FEATURES = 16;
const WEIGHTS = [3, -2, 0.5];
let folder: string;
let gateway: Gateway;

const servedModel = (name: string) => ({
  key: name,
  project: 'default',
  name,
  version: '1',
  aliases: [],
  files: [],
  trust: 'trusted' as const,
  workers: { min: 1, max: 1, idleMs: 0 },
});
const servedEndpoint = (name: string) => ({
  project: 'default',
  name,
  uid: name,
  generation: 1,
  variants: [{ name: 'stable', model: name, weight: 10_000 }],
  pins: [],
  shadow: [],
  timeoutMs: 60_000,
  bodyBytes: 1 << 20,
  input: { rows: 10_000_000, bytes: 256 << 20 },
  queue: { rows: 256, bytes: 1 << 26 },
  batching: { rows: 64, delayMs: 0 },
  capture: { policy: 'off' as const, share: 0, overflow: 'drop' as const, omit: [] },
  enforce: false,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-explain-'));
  for (const [name, bytes] of [
    ['trees', boostedTrees({ features: FEATURES, trees: 20, depth: 4 })],
    ['columns', boostedTrees({ features: FEATURES, trees: 20, depth: 4, columns: true })],
    ['linear', linear(Float32Array.from(WEIGHTS))],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'model.onnx'), bytes);
  }
  await writeFile(join(folder, 'linear', 'input_example.json'), JSON.stringify([[1, 1, 1]]));
  gateway = await startGateway({
    ...dependencies,
    engines: [new OnnxInference(dependencies)],
    doors: servingDoors(),
    rpcs: servingRpcs(),
    files: async ({ name }) => await Promise.resolve({ folder: join(folder, name) }),
    listen: { port: 0 },
    folder: join(folder, 'gateway'),
    number: 1,
    version: '1.0.0',
  });
  const names = ['trees', 'columns', 'linear'];
  await gateway.swap({
    v: 1,
    revision: 1,
    at: new Date(systemClock.now()).toISOString(),
    access: { mode: 'solo' },
    models: names.map(servedModel),
    endpoints: names.map(servedEndpoint),
  });
});
afterAll(async () => {
  await gateway.drain({ noticeMs: 0, deadlineMs: 1000 });
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly error?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly outputs: readonly { readonly name: string; readonly shape: number[]; readonly data: number[] }[];
}

async function ask(model: string, verb: string, body: object): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v2/models/${model}/${verb}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Answer };
}

const dataOf = ({ outputs }: Answer, name: string) => outputs.find((output) => output.name === name)?.data ?? [];
const tensor = (name: string, rows: number[][]) => ({
  name,
  datatype: 'FP32',
  shape: [rows.length, rows[0]!.length],
  data: rows,
});
/** Sixteenths: exact in float32. */
const rowOf = (seed: number) => Array.from({ length: FEATURES }, (_, at) => ((seed * 7 + at * 5) % 16) / 16);

test('a linear model: weights times the distance from its input example', async () => {
  const { status, answer } = await ask('linear', 'explain', { inputs: [tensor('x', [[2, 3, 5]])] });
  expect(status).toBe(200);
  expect(answer.parameters).toMatchObject({ method: 'exact', background_rows: 1, scale: 'output' });
  expect(dataOf(answer, 'features')).toEqual(['x[0]', 'x[1]', 'x[2]']);
  const expected = [3, -4, 2];
  for (const [at, value] of dataOf(answer, 'attributions').entries()) expect(value).toBeCloseTo(expected[at]!, 5);
  expect(dataOf(answer, 'approximation_error')).toEqual([0]);
});

test('trees: exact values add up to the output, and sampled values are close', async () => {
  const inputs = [tensor('x', [rowOf(1), rowOf(2)]), tensor('background.x', [rowOf(3), rowOf(4), rowOf(5)])];
  const printed = await ask('trees', 'infer', { inputs: inputs.slice(0, 1) });
  const { answer } = await ask('trees', 'explain', { inputs });
  expect(answer.parameters).toMatchObject({ method: 'tree_shap', background_rows: 3 });
  const exact = dataOf(answer, 'attributions');
  for (const row of [0, 1]) {
    const sum = exact.slice(row * FEATURES, (row + 1) * FEATURES).reduce((total, value) => total + value, 0);
    expect(sum + dataOf(answer, 'baseline_output')[row]!).toBeCloseTo(printed.answer.outputs[0]!.data[row]!, 4);
  }
  const request = { inputs, parameters: { method: 'sampled_shapley', paths: 100, seed: 5 } };
  const sampled = await ask('trees', 'explain', request);
  expect(sampled.answer.parameters).toMatchObject({ method: 'sampled_shapley', seed: 5 });
  const length = Math.hypot(...exact);
  const far = Math.hypot(...dataOf(sampled.answer, 'attributions').map((value, at) => value - exact[at]!));
  expect(far / length).toBeLessThan(0.1);
  expect((await ask('trees', 'explain', request)).answer).toEqual(sampled.answer);
});

test('the same trees behind columns: the same values for any order of columns', async () => {
  const background = [rowOf(3), rowOf(4)];
  const matrix = await ask('trees', 'explain', {
    inputs: [tensor('x', [rowOf(1)]), tensor('background.x', background)],
  });
  const order = Array.from({ length: FEATURES }, (_, at) => (at * 5 + 3) % FEATURES);
  const column = (name: string, rows: number[][], at: number) => ({
    ...tensor(
      name,
      rows.map((row) => [row[at]!]),
    ),
    datatype: 'FP64',
  });
  const inputs = [
    ...order.map((at) => column(`f${at}`, [rowOf(1)], at)),
    ...order.toReversed().map((at) => column(`background.f${at}`, background, at)),
  ];
  const { status, answer } = await ask('columns', 'explain', { inputs });
  expect({ status, answer }).toMatchObject({ status: 200, answer: { parameters: { method: 'tree_shap' } } });
  expect(dataOf(answer, 'features')).toEqual(order.map((at) => `f${at}`));
  expect(dataOf(answer, 'attributions')).toEqual(order.map((at) => dataOf(matrix.answer, 'attributions')[at]));
});

test('KServe V1 protocol, rows by name', async () => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/models/linear:explain`, {
    method: 'POST',
    body: JSON.stringify({ instances: [[2, 1, 1]] }),
  });
  const answer = (await response.json()) as { explanations: { attributions: Record<string, number> }[] };
  expect(response.status).toBe(200);
  expect(answer.explanations[0]?.attributions['x[0]']).toBeCloseTo(3, 5);
});

test.each([
  ['no background rows', { inputs: [tensor('x', [rowOf(1)])] }, 'background.x'],
  ['an unknown method', { inputs: [tensor('x', [rowOf(1)])], parameters: { method: 'lime' } }, 'tree_shap'],
  [
    'too many features for all coalitions',
    { inputs: [tensor('x', [rowOf(1)]), tensor('background.x', [rowOf(2)])], parameters: { method: 'exact' } },
    'at most 12',
  ],
  ['an unknown input', { inputs: [tensor('z', [rowOf(1)]), tensor('background.x', [rowOf(2)])] }, 'no input "z"'],
  [
    'too much work',
    {
      inputs: [
        tensor('x', [rowOf(1)]),
        tensor(
          'background.x',
          Array.from({ length: 100 }, (_, at) => rowOf(at)),
        ),
      ],
      parameters: { method: 'sampled_shapley', paths: 500 },
    },
    'fewer',
  ],
])('rejects %s, with the remedy', async (_, body, printed) => {
  const { status, answer } = await ask('trees', 'explain', body);
  expect(status).toBe(400);
  expect(answer.error).toContain(printed);
});

test('returns model_unavailable, not invalid_request, for a model whose files were removed', async () => {
  await rm(join(folder, 'linear'), { recursive: true });
  const { status, answer } = await ask('linear', 'explain', { inputs: [tensor('x', [[2, 3, 5]])] });
  expect([status, answer.error]).toEqual([503, expect.stringContaining('being unloaded')]);
});
