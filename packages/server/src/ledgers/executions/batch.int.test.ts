import type { ModelJob } from '@dais/api/serving';
import { beforeAll, expect, test } from 'vitest';
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';
import { batchClient, type BatchCall, type BatchClient } from '#testing/batch-client.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

let dais: SharedDais;
let url: string;
let models: ServingClient;
let batch: BatchClient;

const call: BatchCall = async <Output>(method: string, path: string, body?: object | Buffer) => {
  const { status, body: reported } = await models.call(method, `/api/v1${path}`, body);
  if (status >= 300) throw new Error(`${status} ${String(reported['code'])}: ${String(reported['detail'])}`);
  return reported as Output;
};

const ROWS = 45_000;

/** `y = 2 x`, of whole numbers: a missing one is none. */
function doubledWhole(): Buffer {
  return onnxFile({
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'INT64', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'INT64', shape: ['rows', 1] }],
  });
}

/** A model with two outputs: `y = 2 x`, and `pair`, which contains x and 2 x. */
function twoOutputs(): Buffer {
  return onnxFile({
    nodes: [
      { op: 'Add', inputs: ['x', 'x'], outputs: ['y'] },
      { op: 'Mul', inputs: ['x', 'factors'], outputs: ['pair'] },
    ],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', 1] }],
    outputs: [
      { name: 'y', datatype: 'FP32', shape: ['rows', 1] },
      { name: 'pair', datatype: 'FP32', shape: ['rows', 2] },
    ],
    weights: [{ name: 'factors', shape: [2], data: new Float32Array([1, 2]) }],
  });
}

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  models = servingClient(url);
  batch = batchClient(call);
  await models.register('doubled', 2, { example: { inputs: [[1]] } });
  await models.call('PUT', '/api/v1/registry/models/doubled/aliases/champion', { version: '1' });
  const rows = Array.from({ length: ROWS }, (_, id) => `${id},${id / 4}\n`);
  await batch.push('trips', `id,x\n${rows.join('')}`);
  await models.register('whole', 0, { bytes: doubledWhole() });
  await models.register('several', 0, { bytes: twoOutputs() });
  await batch.push('gaps', 'id,x\n1,1\n2,\n3,3\n4,4\n5,\n');
});

test('the model predicts all rows of a version in parts; the predictions are one version with its lineage', async () => {
  const request = await batch.start({ model: 'models:/doubled@champion', data: 'trips@1', out: 'scored' });
  expect(request).toMatchObject({
    kind: 'batch-prediction',
    state: 'pending',
    model: 'doubled',
    version: 1,
    data: 'trips@1',
  });
  const done = await batch.ended(request.id);
  expect(done).toMatchObject({
    state: 'succeeded',
    phase: '',
    rows: { done: ROWS, total: ROWS, rejected: 0 },
    output: { dataset: 'scored', columns: ['id', 'x'], version: 1 },
  });
  expect(done.shards.total).toBeGreaterThan(2);
  expect(done.shards.done).toBe(done.shards.total);
  const sql = 'select count(*), count(distinct id), sum(abs(y - 2 * x)), min(y), max(y) from "scored@1"';
  expect(await batch.query(sql)).toEqual([[ROWS, ROWS, 0, 0, (ROWS - 1) / 2]]);
  const { nodes } = await call<{ nodes: { node: string; type: string; name: string }[] }>(
    'GET',
    `/lineage?node=dataset-version:${done.output?.versionId ?? ''}&direction=upstream&depth=1`,
  );
  expect(nodes.map(({ name }) => name)).toEqual(expect.arrayContaining(['trips@1', 'scored@1']));
  expect(nodes.some(({ type }) => type === 'model-version')).toBe(true);
  // The rows have the order of the data.
  expect(await batch.query('select id, y from "scored@1" limit 3')).toEqual([
    [0, 0],
    [1, 0.5],
    [2, 1],
  ]);
});

test('an equal job returns the same version', async () => {
  const { id } = await batch.start({ model: 'models:/doubled/1', data: 'trips@1', out: 'scored' });
  expect(await batch.ended(id)).toMatchObject({ state: 'succeeded', output: { version: 1 } });
});

test('a row that the model rejects fails the job, or is omitted and recorded', async () => {
  const input = { model: 'models:/whole/1', data: 'gaps@1', out: 'filled', columns: ['id'] };
  const failed = await batch.ended((await batch.start(input)).id);
  expect(failed).toMatchObject({ state: 'failed', problems: [{ row: 2, column: 'x' }] });
  expect(failed.error).toBe('Row 2, column "x": is missing; expected INT64.');
  await expect(batch.query('select 1 from "filled@1"')).rejects.toThrow('filled');

  const { id } = await batch.start({ ...input, onError: 'reject' });
  const done = await batch.ended(id);
  expect(done).toMatchObject({ state: 'succeeded', rows: { done: 5, total: 5, rejected: 2 } });
  expect(done.problems.map(({ row }) => row)).toEqual([2, 5]);
  expect(await batch.query('select id, y from "filled@1" order by id')).toEqual([
    [1, 2],
    [3, 6],
    [4, 8],
  ]);
  const rejects = await (await fetch(`${url}/api/v1/model-jobs/${id}/rejects`)).text();
  const lines = rejects.trim().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { row: number }).row)).toEqual([2, 5]);
});

test('each of several outputs of a model is a column; an output with several numbers per row is a list', async () => {
  const input = { model: 'models:/several/1', data: 'gaps@1', out: 'several', columns: ['id'] };
  const done = await batch.ended((await batch.start(input)).id);
  expect(done).toMatchObject({ state: 'succeeded', rows: { done: 5, rejected: 0 } });
  expect(await batch.query('select id, y, pair[1], pair[2] from "several@1" where id in (1, 4) order by id')).toEqual([
    [1, 2, 1, 2],
    [4, 8, 4, 8],
  ]);
  // A missing number is NaN for a model of doubles, and so is its prediction.
  expect(await batch.query('select count(*) from "several@1" where isnan(y)')).toEqual([[2]]);
});

test('jobs can be found by the dataset that they read or write', async () => {
  const of = async (dataset: string) =>
    (await call<{ items: ModelJob[] }>('GET', `/model-jobs?limit=100&dataset=${dataset}`)).items;
  expect((await of('several')).map(({ output }) => output?.dataset)).toEqual(['several']);
  expect(new Set((await of('gaps')).map(({ data }) => data))).toEqual(new Set(['gaps@1']));
  expect(await of('nothing')).toEqual([]);
});

test('errors are reported at submission', async () => {
  const input = { model: 'models:/doubled/1', data: 'trips@1', out: 'never' };
  await expect(batch.start({ ...input, model: 'models:/doubled/9' })).rejects.toThrow(/not_found|invalid_request/);
  await expect(batch.start({ ...input, model: 'runs:/x/model' })).rejects.toThrow('is not a registered model version');
  await expect(batch.start({ ...input, data: 'trips@9' })).rejects.toThrow('has no version 9');
  await expect(batch.start({ ...input, out: 'trips' })).rejects.toThrow('cannot be both the input and the output');
  await expect(batch.start({ ...input, columns: ['z'] })).rejects.toThrow('has no column "z", which --columns names');
  const taken = await batch.start({ ...input, data: 'scored@1', columns: ['id', 'y'], inputs: ['x'] });
  expect((await batch.ended(taken.id)).error).toContain('already has a column "y"');
});

test('jobs are listed newest first, and can be canceled', async () => {
  const { items, nextCursor } = await call<{ items: ModelJob[]; nextCursor?: string }>(
    'GET',
    '/model-jobs?limit=2&model=doubled',
  );
  expect(items).toHaveLength(2);
  expect(nextCursor).toBeDefined();
  const more = await call<{ items: ModelJob[] }>('GET', `/model-jobs?limit=2&model=doubled&cursor=${nextCursor ?? ''}`);
  expect(more.items[0]?.createdAt).toBeLessThanOrEqual(items[1]?.createdAt ?? 0);
  await expect(call('POST', `/model-jobs/${items[0]?.id ?? ''}/cancel`, {})).rejects.toThrow('has already ended');
  // The second job waits for the first, and is canceled before it starts.
  const first = await batch.start({ model: 'models:/doubled/1', data: 'trips@1', out: 'canceled' });
  const second = await batch.start({ model: 'models:/doubled/1', data: 'trips@1', out: 'canceled' });
  await call('POST', `/model-jobs/${second.id}/cancel`, {});
  expect(await batch.ended(second.id)).toMatchObject({ state: 'canceled' });
  expect(await batch.ended(first.id)).toMatchObject({ state: 'succeeded' });
  const { items: canceled } = await call<{ items: ModelJob[] }>('GET', '/model-jobs?state=canceled');
  expect(canceled.map(({ id }) => id)).toEqual([second.id]);
});
