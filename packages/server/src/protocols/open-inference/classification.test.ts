import { expect, test } from 'vitest';
import type { Datatype, InferResponse, Tensor } from '#gateway/index.ts';
import { classified, requestedClasses } from './classification.ts';

function classesOf(output: Tensor, count: number, spec: readonly number[]) {
  const outputs = [{ name: 'y', datatype: output.datatype, shape: spec }];
  const answer = { outputs: [output], described: { outputs } } as unknown as InferResponse;
  const tensor = classified(answer, new Map([['y', count]]))[0]!;
  return { ...tensor, data: (tensor.data as readonly Buffer[]).map(String) };
}
const tensor = (datatype: Datatype, shape: readonly number[], data: Tensor['data']): Tensor => ({
  name: 'y',
  datatype,
  shape,
  data,
});

test('each row of a batch has its highest values, the first of equal ones first', () => {
  const scores = tensor('FP32', [2, 3], Float32Array.of(0.25, 0.5, 0.25, -1, Number.NaN, Number.POSITIVE_INFINITY));
  expect(classesOf(scores, 2, [-1, 3])).toEqual({
    name: 'y',
    datatype: 'BYTES',
    shape: [2, 2],
    data: ['0.500000:1', '0.250000:0', 'infinity:2', '-1.000000:0'],
  });
  expect(classesOf(scores, 9, [-1, 3])).toMatchObject({ shape: [2, 3] });
  expect(classesOf(scores, 9, [-1, 3]).data.at(-1)).toBe('nan:1');
});

test('without a batch dimension, and of other types', () => {
  const counts = tensor('INT64', [2, 2], BigInt64Array.of(3n, 9007199254740993n, 1n, 2n));
  expect(classesOf(counts, 1, [2, 2])).toMatchObject({ shape: [1], data: ['9007199254740993:1'] });
  expect(classesOf(tensor('UINT8', [2], Uint8Array.of(1, 2)), 3, [-1])).toMatchObject({
    shape: [2, 1],
    data: ['1:0', '2:0'],
  });
  expect(classesOf(tensor('FP64', [0, 3], new Float64Array()), 3, [-1, 3])).toMatchObject({ shape: [0, 0], data: [] });
  expect(() => classesOf(tensor('BYTES', [1], [Buffer.from('x')]), 1, [-1])).toThrow(/of type BYTES has no classes/);
});

test('leaves other outputs as they are', () => {
  const outputs = [tensor('FP32', [1], Float32Array.of(1))];
  const answer = { outputs, described: { outputs: [] } } as unknown as InferResponse;
  expect(classified(answer, new Map())).toBe(outputs);
  expect(classified(answer, new Map([['z', 1]]))).toEqual(outputs);
});

test.each([
  [{}, undefined],
  [{ classification: 0 }, undefined],
  [{ classification: 2 }, 2],
])('the parameters %j request %s classes', (parameters, expected) => {
  expect(requestedClasses('y', parameters)).toBe(expected);
});

test.each([-1, 1.5, '2', true])('refuses the number %j', (classification) => {
  expect(() => requestedClasses('y', { classification })).toThrow(/output "y" is .*; it must be a positive integer/);
});
