import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { LoadOptions, Tensor } from '../contract.ts';
import { PythonInference } from './python-engine.ts';
import { pythonModels, pythonSuite } from './python-models.testing.ts';

const engine = new PythonInference({ clock: systemClock, log: silentLog });
const models = pythonModels();

// Without namespaces: python-landlock.full.test.ts.
pythonSuite('python', engine, models);

describe('python', () => {
  let folder = '';
  let options: LoadOptions;
  beforeAll(async () => {
    const found = await models();
    folder = found.folder;
    options = { trust: 'trusted', environment: found.environment };
  });
  const load = async (name: string, more: Partial<LoadOptions> = {}, by = engine) =>
    await by.load({ folder: path.join(folder, name) }, { ...options, ...more });
  const row = (...values: number[]): Tensor => ({
    name: 'x',
    datatype: 'FP32',
    shape: [1, 3],
    data: Float32Array.from(values),
  });

  test('reports the log of a failed load', async () => {
    await expect(load('broken')).rejects.toMatchObject({
      message: expect.stringMatching(/the weights are not there[^]*about to read the weights/),
    });
    await expect(engine.load({ folder: path.join(folder, 'weighted') }, { trust: 'trusted' })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/environment/),
    });
  });

  test('isolates an untrusted model', async () => {
    const model = await load('curious', { trust: 'untrusted' });
    const [reached] = await model.infer([row(1, 2, 3)]);
    // Files of the machine, network, writable folders, other processes, variables.
    expect(Array.from(reached!.data as BigInt64Array, Number)).toEqual([0, 0, 0, 0, 0]);
    await model.close();
  });

  test('a scikit-learn forest predicts like in Python, with columns in any order', async () => {
    const model = await load('forest');
    expect(model.platform).toBe('mlflow_sklearn');
    expect(model.inputs.map(({ name }) => name)).toContain('petal width (cm)');
    const expected = (JSON.parse(await readFile(path.join(folder, 'forest.json'), 'utf8')) as number[][]).flat();
    const rows = [
      [5.1, 3.5, 1.4, 0.2],
      [6.7, 3.1, 5.6, 2.4],
    ];
    const columns = model.inputs.map(({ name }, at): Tensor => {
      return { name, datatype: 'FP64', shape: [2], data: Float64Array.from(rows, (one) => one[at]!) };
    });
    const [output] = await model.infer([...columns.toReversed(), { ...columns[0]!, name: 'one more' }]);
    expect(Array.from(output!.data as BigInt64Array, Number)).toEqual([expected[0], expected[140]]);
    // One matrix, with columns by position.
    const matrix: Tensor = { name: 'input', datatype: 'FP64', shape: [2, 4], data: Float64Array.from(rows.flat()) };
    expect((await model.infer([matrix]))[0]?.data).toEqual(output?.data);
    await expect(model.infer(columns.slice(1))).rejects.toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'sepal length (cm)', expected: 'double' }],
    });
    await model.close();
  });

  test('passes columns to Python in the types of the signature', async () => {
    const model = await load('columns');
    const text = (name: string, value: string): Tensor => ({
      name,
      datatype: 'BYTES',
      shape: [1],
      data: [Buffer.from(value)],
    });
    const inputs: Tensor[] = [
      text('moment', '2026-11-27T03:00:00Z'),
      { ...text('word', ''), nulls: Uint8Array.of(1) },
      { name: 'real', datatype: 'INT32', shape: [1, 1], data: Int32Array.of(7) },
      { name: 'small', datatype: 'INT64', shape: [1], data: BigInt64Array.of(1n) },
      { name: 'big', datatype: 'UINT32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
      { name: 'count', datatype: 'INT8', shape: [1], data: Int8Array.of(-3) },
    ];
    const [reported] = await model.infer(inputs, { parameters: { suffix: '?', unknown: 1 } });
    const printed = String((reported!.data as Buffer[])[0]);
    expect(printed).toMatch(/^count:int32 big:int64 small:float32 real:float64 word:\w+ moment:datetime64\[\w+\] \| /);
    expect(printed).toMatch(/\(-3, 4294967295, 1\.0, 7\.0, None, Timestamp\('2026-11-27 03:00:00'\)\)\?$/);
    await model.close();
  });

  test('passes inputs unchanged without a signature', async () => {
    const model = await load('open');
    expect(model.inputs).toEqual([]);
    expect(model.batchable).toBe(false);
    const [one] = await model.infer([row(1, 2, 3)]);
    expect(one).toMatchObject({ name: 'output', shape: [1, 3], data: Float32Array.of(1, 2, 3) });
    const many = await model.infer([
      { name: 'a', datatype: 'INT64', shape: [2], data: BigInt64Array.of(1n, 2n) },
      { name: 'b', datatype: 'BYTES', shape: [2], data: [Buffer.from('x'), Buffer.from('y')] },
    ]);
    expect(many.map(({ name, datatype }) => `${name} ${datatype}`)).toEqual(['a INT64', 'b BYTES']);
    await model.close();
    const sampled = await load('open', { sample: [row(1, 2, 3)] });
    expect(sampled.batchable).toBe(true);
    await sampled.close();
  });

  test('a crash fails only its batch, and the model restarts', async () => {
    const model = await load('moody', { workers: 2 });
    const [crashed, ...others] = await Promise.allSettled(
      [row(-1, 0, 0), row(1, 0, 0), row(1, 0, 0), row(1, 0, 0)].map(async (one) => await model.infer([one])),
    );
    expect(crashed).toMatchObject({
      reason: { code: 'model_unavailable', message: expect.stringMatching(/exit code 3/) },
    });
    expect(others.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    await expect(model.infer([row(-4, 0, 0)])).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/minus four/),
    });
    expect(model.stats().crashes).toBe(1);
    await model.close();
  });

  test('terminates an endless batch after its caller aborts', async () => {
    const model = await load('moody');
    await expect(model.infer([row(-2, 0, 0)], { signal: AbortSignal.timeout(200) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    await expect
      .poll(
        async () =>
          await model.infer([row(1, 0, 0)]).then(
            () => 'answers',
            (error: { code: string }) => error.code,
          ),
      )
      .toBe('answers');
    expect(model.stats().crashes).toBe(1);
    await model.close();
  });

  test('terminates and restarts a process that exceeds its memory limit', async () => {
    const model = await load('moody', { memoryBytes: 1024 * 2 ** 20 });
    await expect(model.infer([row(-3, 0, 0)])).rejects.toMatchObject({
      code: 'model_unavailable',
      message: expect.stringMatching(/used more than its memory limit of 1 GiB/),
    });
    await expect
      .poll(
        async () =>
          await model.infer([row(1, 0, 0)]).then(
            () => 'answers',
            (error: { code: string }) => error.code,
          ),
      )
      .toBe('answers');
    await model.close();
  });

  test('stops restarting for a minute after five crashes within a minute', async () => {
    // Five starts take more than a minute on a busy machine.
    const clock = { ...systemClock, now: () => systemClock.now() / 10 };
    const model = await load('moody', {}, new PythonInference({ clock, log: silentLog }));
    const crash = async () => await model.infer([row(-1, 0, 0)]).catch((error: Error) => error.message);
    await expect.poll(crash, { timeout: 240_000 }).toMatch(/ended 5 times within a minute/);
    expect(model.stats().crashes).toBe(5);
    await model.close();
  });

  test('replaces a process after its number of batches without failed requests', async () => {
    const model = await load('moody', {}, new PythonInference({ clock: systemClock, log: silentLog, mostBatches: 20 }));
    const processes = new Set<bigint>();
    await expect
      .poll(async () => {
        const [process] = await model.infer([row(1, 0, 0)]);
        processes.add((process!.data as BigInt64Array)[0]!);
        return processes.size;
      })
      .toBeGreaterThan(1);
    expect(model.stats().crashes).toBe(0);
    await model.close();
  });
});
