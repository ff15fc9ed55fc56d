/** Tests that every inference engine must pass. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import type {
  Datatype,
  InferenceEngine,
  LoadedModel,
  LoadOptions,
  ModelFiles,
  Tensor,
  TensorData,
} from './contract.ts';

export interface InferenceSubject {
  readonly engine: InferenceEngine;
  readonly options: LoadOptions;
  /** One input [-1, 3] and one equal output: returns its input. */
  readonly identity: (datatype: Datatype) => Promise<ModelFiles>;
  readonly datatypes: readonly Datatype[];
  /** One input FP32 [-1, 3], one output with one number per row: x0 + 2 · x1 + 3 · x2. */
  readonly weighted: ModelFiles;
  /** FP32 [-1, 3] to the same: each row minus the mean of all. */
  readonly minusMean: ModelFiles;
  /** Its description is valid, but it does not load. */
  readonly broken: ModelFiles;
  readonly empty: ModelFiles;
  end(): Promise<void>;
}

export const EXAMPLES: Readonly<Record<Datatype, TensorData>> = {
  BOOL: Uint8Array.of(0, 1, 1, 0, 0, 1),
  UINT8: Uint8Array.of(0, 1, 2, 127, 128, 255),
  UINT16: Uint16Array.of(0, 1, 2, 3, 32_768, 65_535),
  UINT32: Uint32Array.of(0, 1, 2, 3, 2 ** 31, 2 ** 32 - 1),
  UINT64: BigUint64Array.of(0n, 1n, 2n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
  INT8: Int8Array.of(0, 1, -1, 5, -128, 127),
  INT16: Int16Array.of(0, 1, -1, 5, -32_768, 32_767),
  INT32: Int32Array.of(0, 1, -1, 5, -(2 ** 31), 2 ** 31 - 1),
  INT64: BigInt64Array.of(0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n),
  // 1, -2, the largest, infinity, the smallest above 0, 0 below 0.
  FP16: Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x7c00, 0x0001, 0x8000),
  BF16: Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x7f80, 0x0001, 0x8000),
  FP32: Float32Array.of(0, -1.5, Infinity, -Infinity, Number.NaN, 1e-40),
  FP64: Float64Array.of(0, -1.5, Infinity, -Infinity, Number.NaN, Number.MIN_VALUE),
  BYTES: ['', 'a', 'ü€😀', 'line\nline', '\u0001', 'x'.repeat(100_000)].map((text) => Buffer.from(text)),
};

const rows = (...values: number[]): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [values.length / 3, 3],
  data: Float32Array.from(values),
});
const numbers = (outputs: readonly Tensor[]) => Array.from(outputs[0]?.data as Float32Array, Number);

async function errorOf(work: Promise<unknown>): Promise<DaisError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DaisError) return error;
  throw new Error(`There was no DaisError: ${String(error)}`);
}

/** What an engine has; by default everything. */
export interface SuiteScope {
  /** It reads models from folders, and runs their instances on this machine. */
  readonly isLocal: boolean;
}

export function inferenceSuite(
  name: string,
  open: () => Promise<InferenceSubject>,
  { isLocal }: SuiteScope = { isLocal: true },
): void {
  describe(`inference engine: ${name}`, () => {
    let subject: InferenceSubject;
    let model: LoadedModel;
    beforeAll(async () => {
      subject = await open();
      model = await subject.engine.load(subject.weighted, { ...subject.options, workers: 2 });
    });
    afterAll(async () => {
      await model.close();
      await subject.end();
    });

    test.runIf(isLocal)('reports whether it can load a model, and why not', async () => {
      const { engine, weighted, empty } = subject;
      expect(await engine.refusal(weighted)).toBeUndefined();
      expect(await engine.refusal(empty)).toMatch(/MLmodel/);
      expect(await engine.refusal({ ...weighted, path: '../model' })).toMatch(/is outside the model's folder/);
      expect(await engine.refusal({ ...weighted, path: 'none' })).toMatch(/no file `none`/);
    });

    test('describes the inputs and outputs of a model', () => {
      expect(model.inputs).toMatchObject([{ name: 'x', datatype: 'FP32', shape: [-1, 3] }]);
      expect(model.outputs).toHaveLength(1);
      // Another server batches its requests itself.
      expect(model.batchable).toBe(isLocal);
      expect(model.concurrency).toBe(2);
      expect(model.engine).toBe(subject.engine.name);
    });

    test('returns any number of rows in their order', async () => {
      expect(numbers(await model.infer([rows(1, 2, 3)]))).toEqual([14]);
      const many = Float32Array.from({ length: 3000 }, (_, index) => index % 7);
      const out = await model.infer([{ name: 'x', datatype: 'FP32', shape: [1000, 3], data: many }]);
      expect(out[0]?.shape[0]).toBe(1000);
      expect(numbers(out)).toEqual(
        Array.from({ length: 1000 }, (_, row) => many[3 * row]! + 2 * many[3 * row + 1]! + 3 * many[3 * row + 2]!),
      );
    });

    test('returns each concurrent caller its own result', async () => {
      const answers = await Promise.all(
        Array.from({ length: 100 }, async (_, n) => await model.infer([rows(n, 0, 0)])),
      );
      expect(answers.map((answer) => numbers(answer)[0])).toEqual(Array.from({ length: 100 }, (_, n) => n));
    });

    test('returns every datatype unchanged', async () => {
      for (const datatype of subject.datatypes) {
        const loaded = await subject.engine.load(await subject.identity(datatype), subject.options);
        try {
          const data = EXAMPLES[datatype];
          const [out] = await loaded.infer([{ name: 'x', datatype, shape: [2, 3], data }]);
          expect(out).toMatchObject({ datatype, shape: [2, 3] });
          expect(Array.from(out!.data as Iterable<unknown>)).toEqual(Array.from(data as Iterable<unknown>));
          const [none] = await loaded.infer([{ name: 'x', datatype, shape: [0, 3], data: data.slice(0, 0) }]);
          expect(none?.shape).toEqual([0, 3]);
        } finally {
          await loaded.close();
        }
      }
    });

    test('rejects invalid inputs with their name and the expected type', async () => {
      const good = rows(1, 2, 3);
      const bad: [readonly Tensor[], RegExp][] = [
        [[], /`x`.*missing/],
        [[good, good], /`x`.*twice/],
        [[good, { ...good, name: 'z' }], /`z`.*no input with this name/],
        [[{ ...good, datatype: 'FP64', data: Float64Array.of(1, 2, 3) }], /`x`.*FP64.*FP32/],
        [[{ ...good, data: Float64Array.of(1, 2, 3) }], /`x`.*does not have the datatype FP32/],
        [[{ ...good, shape: [1, 4] }], /`x`.*\[1, 4\].*\[-1, 3\]/],
        [[{ ...good, shape: [3] }], /`x`.*\[3\].*\[-1, 3\]/],
        [[{ ...good, shape: [2, 3] }], /`x`.*6 elements.*data has 3/],
        [[{ ...good, shape: [-1, 3] }], /`x`.*-1/],
      ];
      for (const [inputs, expected] of bad) {
        const error = await errorOf(model.infer(inputs));
        expect(error.code).toBe('invalid_request');
        expect(error.message).toMatch(expected);
        expect(error.issues?.[0]?.path).toBe(expected.source.includes('`z`') ? 'z' : 'x');
      }
      expect(numbers(await model.infer([good]))).toEqual([14]);
    });

    test('returns selected outputs', async () => {
      const [output] = model.outputs;
      expect(await model.infer([rows(1, 2, 3)], { outputs: [output!.name] })).toHaveLength(1);
      expect(await errorOf(model.infer([rows(1, 2, 3)], { outputs: ['none'] }))).toMatchObject({
        code: 'invalid_request',
      });
    });

    test('releases a caller that aborts, and continues to serve', async () => {
      const reason = new Error('the caller aborted');
      await expect(model.infer([rows(1, 2, 3)], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const answers = Array.from({ length: 20 }, async () => await model.infer([rows(1, 2, 3)]));
      expect((await Promise.all(answers)).map(numbers)).toEqual(Array.from({ length: 20 }, () => [14]));
    });

    test('does not batch a model whose rows depend on each other', async () => {
      const loaded = await subject.engine.load(subject.minusMean, subject.options);
      try {
        expect(loaded.batchable).toBe(false);
        expect(numbers(await loaded.infer([rows(1, 2, 3, 3, 2, 1)]))).toEqual([-1, 0, 1, 1, 0, -1]);
      } finally {
        await loaded.close();
      }
    });

    test('reports why a model does not load', async () => {
      const error = await errorOf(subject.engine.load(subject.broken, subject.options));
      expect(error.code).toBe('invalid_request');
      expect(error.message.length).toBeGreaterThan(30);
      expect(await errorOf(subject.engine.load(subject.empty, subject.options))).toMatchObject({
        code: 'invalid_request',
      });
    });

    test.runIf(isLocal)('changes the number of instances while it serves', async () => {
      const loaded = await subject.engine.load(subject.weighted, { ...subject.options, workers: 1 });
      const requesting = { on: true };
      const answers: number[][] = [];
      const request = (async () => {
        while (requesting.on) answers.push(numbers(await loaded.infer([rows(1, 2, 3)])));
      })();
      try {
        for (const workers of [2, 1]) {
          await loaded.scale(workers);
          expect(loaded.concurrency).toBe(workers);
          const many = Array.from({ length: 20 }, async () => await loaded.infer([rows(1, 2, 3)]));
          expect((await Promise.all(many)).map(numbers)).toEqual(many.map(() => [14]));
        }
      } finally {
        requesting.on = false;
        await request;
        await loaded.close();
      }
      expect(answers.length).toBeGreaterThan(0);
      expect(answers.every(([sum]) => sum === 14)).toBe(true);
    });

    test('counts runs and rows', async () => {
      const before = model.stats();
      await model.infer([rows(1, 2, 3, 4, 5, 6)]);
      const after = model.stats();
      expect(after.runs - before.runs).toBe(1);
      expect(after.rows - before.rows).toBe(2);
      expect(after.runNanoseconds).toBeGreaterThan(before.runNanoseconds);
      expect(after.memoryBytes > 0).toBe(isLocal);
      expect(after.crashes).toBe(0);
    });

    test('completes running batches before it unloads', async () => {
      const loaded = await subject.engine.load(subject.weighted, subject.options);
      const running = loaded.infer([rows(1, 2, 3)]);
      await loaded.close();
      expect(numbers(await running)).toEqual([14]);
      expect(await errorOf(loaded.infer([rows(1, 2, 3)]))).toMatchObject({ code: 'model_unavailable' });
    });
  });
}
