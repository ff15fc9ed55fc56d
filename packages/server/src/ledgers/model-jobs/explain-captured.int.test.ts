import type { ModelImportance, PredictionExplanation } from '@dais/api/serving';
import { beforeAll, expect, test, vi } from 'vitest';
import { linear } from '#engines/inference/onnx/onnx-files.testing.ts';
import { batchClient, type BatchCall, type BatchClient } from '#testing/batch-client.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

const WEIGHTS = [3, -2, 0.5];
/** A timeout against hanging: two models are loaded, on a busy machine. */
const PATIENCE_MS = 600_000;
let dais: SharedDais;
let url: string;
let models: ServingClient;
let batch: BatchClient;

const call: BatchCall = async <Output>(method: string, path: string, body?: object | Buffer) => {
  const { status, body: reported } = await models.call(method, `/api/v1${path}`, body);
  if (status >= 300) throw new Error(`${status} ${String(reported['code'])}: ${String(reported['detail'])}`);
  return reported as Output;
};

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  models = servingClient(url);
  batch = batchClient(call);
  await models.register('weighed', 0, { bytes: linear(Float32Array.from(WEIGHTS)), example: { inputs: [[1, 1, 1]] } });
});

/** Computed by hand: each weight times the distance of the value from the example. */
function expectLinear({ rows }: PredictionExplanation, x: readonly number[]): void {
  const [row] = rows;
  const byName = new Map(row?.contributions.map(({ feature, contribution }) => [feature, contribution]));
  for (const [index, weight] of WEIGHTS.entries()) {
    expect(byName.get(`x[${index}]`)).toBeCloseTo(weight * ((x[index] ?? 0) - 1), 5);
  }
  expect(row?.base).toBeCloseTo(1.5, 5);
  expect(row?.gap).toBeCloseTo(0, 5);
}

test('the gateway explains a captured prediction, or a model that is loaded for it if no endpoint has it', async () => {
  await call('POST', '/serving/endpoints/weighed/deploy', { model: 'models:/weighed/1' });
  await models.settled(
    'weighed',
    (status) => status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true,
  );
  const x = [2, 4, -1];
  const body = { inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: x }] };
  const answer = await fetch(`${url}/v2/models/weighed/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([200, '']);
  const reported = (await answer.json()) as { parameters?: { prediction_id?: string } };
  const tail = await call<{ columns: { name: string }[]; rows: unknown[][] }>(
    'GET',
    '/predictions/endpoints/weighed/tail?limit=10',
  );
  const index = tail.columns.findIndex(({ name }) => name === 'prediction_id');
  const id = String(tail.rows.at(-1)?.[index]);
  expect(reported.parameters?.prediction_id ?? id).toBe(id);

  const explain = async () =>
    await call<PredictionExplanation>('POST', `/predictions/endpoints/weighed/one/${id}/explain`, {});
  const served = await explain();
  expect(served).toMatchObject({
    prediction: id,
    model: 'weighed',
    version: '1',
    method: 'exact',
    scale: 'output',
    background: 1,
    by: 'gateway',
  });
  expectLinear(served, x);
  expect(served.rows[0]?.contributions.map(({ value }) => value)).toEqual([4, 2, -1]);

  // The endpoint is deleted: the version is loaded for the explanation.
  await call('DELETE', '/endpoints/weighed');
  const loaded = await vi.waitUntil(
    async () => {
      const now = await explain();
      return now.by === 'job' ? now : undefined;
    },
    { timeout: PATIENCE_MS, interval: 100 },
  );
  expectLinear(loaded, x);
  await expect(call('POST', `/predictions/endpoints/weighed/one/${id}/explain`, { output: 7 })).rejects.toThrow(
    'Index 7 does not exist',
  );
});

test('feature importances are stored with their version; the same seed gives the same result', async () => {
  const lines = Array.from({ length: 300 }, (_, row) => `${row % 7},${(row * 5) % 11},${(row * 3) % 13}\n`);
  await batch.push('points', `a,b,c\n${lines.join('')}`);
  const input = { model: 'models:/weighed/1', data: 'points@1', seed: 7, sample: 50 };
  const job = await call<{ id: string }>('POST', '/model-jobs/importances', input);
  const done = await batch.ended(job.id);
  expect(done).toMatchObject({ kind: 'importance', state: 'succeeded', data: 'points@1' });
  const again = await call<{ id: string }>('POST', '/model-jobs/importances', input);
  expect((await batch.ended(again.id)).result).toEqual(done.result);
  const { items } = await call<{ items: ModelImportance[] }>('GET', '/registry/models/weighed/importances?version=1');
  expect(items.map(({ id }) => id)).toEqual([again.id, job.id]);
  expect(items[0]).toMatchObject({ method: 'exact', sample: 50, background: 20, seed: 7, data: 'points@1' });
  // b has the widest range and a weight of -2; c changes least.
  expect(items[0]?.features).toHaveLength(3);
  expect(items[0]?.features.at(-1)?.feature).toBe('x[2]');
  await expect(call('POST', '/model-jobs/importances', { ...input, data: 'points@2' })).rejects.toThrow(
    'has no version 2',
  );
});
