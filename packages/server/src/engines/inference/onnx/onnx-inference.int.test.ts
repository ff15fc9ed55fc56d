import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Datatype, LoadOptions } from '../contract.ts';
import { EXAMPLES, inferenceSuite, type InferenceSubject } from '../suite.ts';
import { OnnxInference } from './onnx-engine.ts';
import { boostedTrees, identity, minusMean, linear, onnxFile, onnxGraph, perceptron } from './onnx-files.testing.ts';

const dependencies = { clock: systemClock, log: silentLog };
const WEIGHTS = Float32Array.of(1, 2, 3);

async function writeModels() {
  const folder = await mkdtemp(path.join(tmpdir(), 'dais-onnx-'));
  const write = async (name: string, bytes: Buffer) => {
    await mkdir(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, name, 'model.onnx'), bytes);
    return { folder: path.join(folder, name) };
  };
  return { folder, write };
}

const DATATYPES = (Object.keys(EXAMPLES) as Datatype[]).filter((datatype) => datatype !== 'BF16');

async function subject(
  engine: OnnxInference,
  options: LoadOptions,
  datatypes: readonly Datatype[] = DATATYPES,
): Promise<InferenceSubject> {
  const { folder, write } = await writeModels();
  const empty = path.join(folder, 'empty');
  await mkdir(empty);
  return {
    engine,
    options,
    identity: async (datatype) => await write(datatype, identity(datatype)),
    datatypes,
    weighted: await write('weighted', linear(WEIGHTS)),
    minusMean: await write('mean', minusMean()),
    broken: await write(
      'broken',
      onnxFile({
        nodes: [{ op: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', datatype: 'FP32', shape: ['n', 3] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', 3] }],
      }),
    ),
    empty: { folder: empty },
    end: async () => await rm(folder, { recursive: true }),
  };
}

inferenceSuite(
  'onnx on the caller’s thread',
  async () => await subject(new OnnxInference(dependencies), { trust: 'trusted', isProven: true }),
);
inferenceSuite(
  'onnx in threads',
  async () =>
    await subject(new OnnxInference({ ...dependencies, callerThreadBytes: 0 }), { trust: 'trusted', isProven: true }),
);
// A process per datatype is slow, so only datatypes with different frames.
inferenceSuite(
  'onnx in processes',
  async () =>
    await subject(new OnnxInference(dependencies), { trust: 'untrusted' }, ['BOOL', 'FP16', 'UINT64', 'FP64', 'BYTES']),
);

inferenceSuite(
  'onnx, in a process without namespaces',
  async () =>
    await subject(
      new OnnxInference({ ...dependencies, isolation: openIsolation({ boundaries: ['landlock'], limits: 'rlimit' }) }),
      { trust: 'untrusted' },
      ['FP64'],
    ),
);

describe('onnx', () => {
  let models: Awaited<ReturnType<typeof writeModels>>;
  const engine = new OnnxInference(dependencies);
  beforeAll(async () => {
    models = await writeModels();
  });
  afterAll(async () => await rm(models.folder, { recursive: true }));

  test('trees and layers: a batch returns the results of its rows', async () => {
    const files = [
      await models.write('trees', boostedTrees({ features: 30, trees: 100, depth: 6 })),
      await models.write('layers', perceptron([784, 256, 128, 10])),
    ];
    for (const [at, width] of [30, 784].entries()) {
      const model = await engine.load(files[at]!, { trust: 'trusted' });
      expect(model.batchable).toBe(true);
      const data = Float32Array.from({ length: 64 * width }, (_, index) => Math.abs(Math.sin(index)));
      const [together] = await model.infer([{ name: 'x', datatype: 'FP32', shape: [64, width], data }]);
      const one = together!.data.length / 64;
      for (let row = 0; row < 64; row++) {
        const alone = data.subarray(row * width, (row + 1) * width);
        const [answer] = await model.infer([{ name: 'x', datatype: 'FP32', shape: [1, width], data: alone }]);
        Array.from(answer!.data as Float32Array).forEach((value, column) => {
          const joined = (together!.data as Float32Array)[row * one + column]!;
          // Trees are bit-identical; matrix products depend on the order of sums.
          expect(Math.abs(value - joined)).toBeLessThanOrEqual(at === 0 ? 0 : 1e-5);
        });
      }
      await model.close();
    }
  });

  test('runs a long batch on another thread', async () => {
    const model = await engine.load(await models.write('hop', perceptron([784, 256, 128, 10])), { trust: 'trusted' });
    const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: [4000, 784], data: new Float32Array(4000 * 784) }];
    let turns = 0;
    let isOver = false;
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    await model.infer(inputs);
    turn();
    const [answer] = await model.infer(inputs);
    isOver = true;
    expect(answer?.shape).toEqual([4000, 10]);
    // On this thread there would be three or four.
    expect(turns).toBeGreaterThan(20);
    await model.close();
  });

  test('reads external data only from the folder', async () => {
    const { folder } = await models.write('outside', linear(WEIGHTS));
    await writeFile(path.join(models.folder, 'secret.bin'), Buffer.from(WEIGHTS.buffer));
    await symlink('../secret.bin', path.join(folder, 'link.bin'));
    await symlink('..', path.join(folder, 'up'));
    const hostile = [
      '../secret.bin',
      path.join(models.folder, 'secret.bin'),
      'link.bin',
      'up/secret.bin',
      '',
      'a/../../secret.bin',
      '.',
      '..\\secret.bin',
      'file:/etc/passwd',
    ];
    for (const location of hostile) {
      const files = await models.write('outside', linear(WEIGHTS, location));
      expect(await engine.refusal(files)).toMatch(/is outside the model's folder|points outside|no file|not a file/);
      await expect(engine.load(files, { trust: 'untrusted' })).rejects.toMatchObject({ code: 'invalid_request' });
    }
    const files = await models.write('inside', linear(WEIGHTS, 'weights/w.bin'));
    await mkdir(path.join(files.folder, 'weights'));
    await writeFile(path.join(files.folder, 'weights', 'w.bin'), Buffer.from(WEIGHTS.buffer));
    for (const trust of ['trusted', 'untrusted'] as const) {
      const model = await engine.load(files, { trust });
      const [answer] = await model.infer([
        { name: 'x', datatype: 'FP32', shape: [1, 3], data: Float32Array.of(1, 1, 1) },
      ]);
      expect(answer?.data).toEqual(Float32Array.of(6));
      await model.close();
    }
  });

  test('finds external data in nested graphs', async () => {
    const value = { name: 'y', datatype: 'FP32' as const, shape: [3] };
    const inner = onnxGraph({
      nodes: [{ op: 'Identity', inputs: ['hidden'], outputs: ['y'] }],
      inputs: [],
      outputs: [value],
      weights: [{ name: 'hidden', shape: [3], data: WEIGHTS, location: '../secret.bin' }],
    });
    const files = await models.write(
      'nested',
      onnxFile({
        nodes: [
          {
            op: 'If',
            inputs: ['c'],
            outputs: ['y'],
            attributes: { then_branch: { graph: inner }, else_branch: { graph: inner } },
          },
        ],
        inputs: [{ name: 'c', datatype: 'BOOL', shape: [1] }],
        outputs: [value],
      }),
    );
    expect(await engine.refusal(files)).toMatch(/`*..\/secret.bin.*is outside/);
  });

  test('rejects invalid and unsupported models with the reason', async () => {
    const bad: [string, Buffer, RegExp][] = [
      ['text', Buffer.from('this is no protocol buffer'), /not an ONNX model/],
      ['nothing', Buffer.alloc(0), /no graph/],
      ['cut', linear(WEIGHTS).subarray(0, 40), /not an ONNX model/],
      ['half', identity('BF16'), /BF16.*cast/],
      [
        'foreign',
        onnxFile({
          nodes: [{ op: 'PyOp', domain: 'com.example.pyop', inputs: ['x'], outputs: ['y'] }],
          inputs: [{ name: 'x', datatype: 'FP32', shape: ['n', 3] }],
          outputs: [{ name: 'y', datatype: 'FP32', shape: ['n', 3] }],
        }),
        /com\.example\.pyop/,
      ],
    ];
    for (const [name, bytes, expected] of bad)
      expect(await engine.refusal(await models.write(name, bytes))).toMatch(expected);
    await writeFile(path.join(models.folder, 'text', 'another.onnx'), '');
    expect(await engine.refusal({ folder: path.join(models.folder, 'text') })).toMatch(/Set the path/);
  });

  test('text that is not UTF-8 fails only its batch', async () => {
    const model = await engine.load(await models.write('words', identity('BYTES')), { trust: 'trusted', workers: 2 });
    const words = (data: Buffer[]) => [{ name: 'x', datatype: 'BYTES' as const, shape: [1, 3], data }];
    const bad = [Buffer.from('a'), Buffer.of(0xff), Buffer.from('b')];
    await expect(model.infer(words(bad))).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(/element 1/),
    });
    await expect(model.infer(words([...bad.slice(0, 1), Buffer.from('a\0b'), ...bad.slice(2)]))).rejects.toMatchObject({
      message: expect.stringMatching(/element 1 contains a zero byte/),
    });
    const good = ['a', 'b', 'c'].map((text) => Buffer.from(text));
    expect((await model.infer(words(good)))[0]?.data).toEqual(good);
    await model.close();
  });

  test('finds the model file with MLmodel', async () => {
    const { folder } = await models.write('mlflow', linear(WEIGHTS));
    await writeFile(
      path.join(folder, 'MLmodel'),
      'flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.17.0\n',
    );
    expect(await engine.refusal({ folder })).toBeUndefined();
    await writeFile(path.join(folder, 'MLmodel'), 'flavors:\n  sklearn:\n    pickled_model: model.pkl\n');
    expect(await engine.refusal({ folder })).toMatch(/no flavor `onnx`/);
  });
});
