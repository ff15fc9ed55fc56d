/**
 * Models of scikit-learn, XGBoost and LightGBM are converted to ONNX, deployed, and predict like MLflow's `predict` of
 * the original.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelVersion } from '@dais/api/registry';
import type { ModelConversion, ModelJob } from '@dais/api/serving';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchClient, succeeded, type BatchClient } from '#testing/batch-client.ts';
import { controlOf, killProcess, killTree, type DaisProcess } from '#testing/dais-process.ts';
import { PYTHON_TIMEOUT as PATIENCE, runPython, startPythonDais } from '#testing/python-dais.testing.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/convert/', import.meta.url));

interface Reported {
  readonly body: object;
  readonly predictions: readonly (number | string)[];
  readonly probabilities?: readonly (readonly number[])[];
}

let folder: string;
let dais: DaisProcess;
let url: string;
let models: ServingClient;
let batch: BatchClient;
let reported: Readonly<Record<string, Reported>>;

const call = async <Output>(method: string, path: string, body?: object): Promise<Output> => {
  const { status, body: answer } = await models.call(method, `/api/v1${path}`, body);
  if (status >= 300) throw new Error(`${status} ${String(answer['code'])}: ${String(answer['detail'])}`);
  return answer as Output;
};

async function train(): Promise<Readonly<Record<string, Reported>>> {
  const into = join(folder, 'predictions.json');
  const requirements = join(conformance, 'requirements.txt');
  const script = join(conformance, 'train.py');
  await runPython({ name: 'convert', requirements, script, words: [url, into], folder });
  return JSON.parse(await readFile(into, 'utf8')) as Readonly<Record<string, Reported>>;
}

async function begin(): Promise<void> {
  dais = await startPythonDais(folder);
  url = await dais.ready;
  models = servingClient(url);
  batch = batchClient(call);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-convert-'));
  await begin();
  reported = await train();
}, PATIENCE);
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

async function converted(input: object): Promise<ModelJob> {
  return await batch.ended((await call<ModelJob>('POST', '/model-jobs/conversions', input)).id);
}

/** Predictions of the endpoint for the rows of `name`. */
async function request(name: string, model: string): Promise<unknown> {
  await call('POST', `/serving/endpoints/${name}/deploy`, { model });
  await models.settled(name, ({ conditions = [] }) =>
    conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
  );
  const { status, body } = await models.call('POST', `/endpoints/${name}/invocations`, reported[name]?.body);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body['predictions'];
}

function expectNear(got: unknown, expected: readonly unknown[]): void {
  const rows = got as readonly unknown[];
  const far = expected.filter((value, row) => {
    const found = rows[row];
    if (typeof value !== 'number' || typeof found !== 'number') return found !== value;
    return !(Math.abs(found - value) <= 5e-4);
  });
  expect([rows.length, far]).toEqual([expected.length, []]);
}

test.each(['minutes', 'late', 'thirds', 'boosted', 'booster', 'light'])(
  '%s predicts like its original, without Python',
  async (name) => {
    const job = await converted({ model: `models:/${name}/1` });
    expect(succeeded(job)).toMatchObject({ kind: 'conversion', version: 1 });
    const result = job.result as ModelConversion;
    expect(result).toMatchObject({ model: name, version: 2, examples: 5 });
    expect(result.rows).toBeGreaterThan(200);
    const original = await call<ModelVersion>('GET', `/registry/models/${name}/versions/1`);
    const version = await call<ModelVersion>('GET', `/registry/models/${name}/versions/2`);
    expect(version).toMatchObject({ runId: original.runId, tags: original.tags });
    expectNear(await request(name, `models:/${name}/2`), reported[name]?.predictions ?? []);
  },
  PATIENCE,
);

test.each([15, 21])(
  'operators up to version %i, for other servers: the same predictions',
  async (opset) => {
    const to = `late-${opset}`;
    await call('POST', '/registry/models', { name: to });
    const job = await converted({ model: 'models:/late/1', to, opset });
    expect(succeeded(job)).toMatchObject({ result: { model: to, version: 1 } });
    expect((job.result as { opset: number }).opset).toBeLessThanOrEqual(opset);
    reported = { ...reported, [to]: reported['late'] as Reported };
    expectNear(await request(to, `models:/${to}/1`), reported['late']?.predictions ?? []);
  },
  PATIENCE,
);

test('probabilities are the output of a separate version, in another model', { timeout: PATIENCE }, async () => {
  await call('POST', '/registry/models', { name: 'late-onnx' });
  const job = await converted({ model: 'models:/late/1', to: 'late-onnx', predictFn: 'predict_proba' });
  expect(succeeded(job)).toMatchObject({ result: { model: 'late-onnx', version: 1 } });
  const { edges } = await call<{ edges: { from: string; to: string; relation: string }[] }>(
    'GET',
    '/lineage?node=model-version:late-onnx/1&direction=upstream&depth=1',
  );
  expect(edges.map(({ relation }) => relation).toSorted()).toEqual(['converted', 'registered']);
  reported = { ...reported, 'late-onnx': reported['late'] as Reported };
  const got = (await request('late-onnx', 'models:/late-onnx/1')) as number[][];
  for (const [row, values] of (reported['late']?.probabilities ?? []).entries()) {
    expect(got[row]?.[0]).toBeCloseTo(values[0] ?? Number.NaN, 5);
  }
});

test('names a model without a converter, and creates no version', { timeout: PATIENCE }, async () => {
  const job = await converted({ model: 'models:/unknown/1' });
  expect(job).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/no converter to ONNX for KernelRidge/),
  });
  await expect(call('GET', '/registry/models/unknown/versions/2')).rejects.toThrow('not_found');
  await expect(call('POST', '/model-jobs/conversions', { model: 'models:/late/2' })).rejects.toThrow('ONNX already');
});

test('creates one version, with any process killed meanwhile', { timeout: PATIENCE }, async () => {
  await call('POST', '/registry/models', { name: 'survivor' });
  const { id } = await call<ModelJob>('POST', '/model-jobs/conversions', { model: 'models:/light/1', to: 'survivor' });
  await expect.poll(async () => (await batch.get(id)).phase, { timeout: PATIENCE, interval: 20 }).toBe('convert');
  // First: a process without a supervisor ends.
  killProcess(controlOf(dais.process.pid!));
  await killTree(dais);
  await begin();
  const job = await batch.ended(id);
  expect(succeeded(job)).toMatchObject({ result: { model: 'survivor', version: 1 } });
  expect(job.attempts).toBeGreaterThan(1);
  await expect(call('GET', '/registry/models/survivor/versions/2')).rejects.toThrow('not_found');
});
