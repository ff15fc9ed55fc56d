import { expect, test } from 'vitest';
import type { Tensor } from '#engines/inference/contract.ts';
import { compareOutputs, TOLERANCE } from './compare-outputs.ts';

const numbers = (...values: number[]): Tensor => {
  return { name: 'y', datatype: 'FP64', shape: [values.length], data: Float64Array.from(values) };
};
const labels = (...values: string[]): Tensor => {
  return { name: 'y', datatype: 'BYTES', shape: [values.length], data: values.map((value) => Buffer.from(value)) };
};

test('numbers may differ by the absolute or relative tolerance', () => {
  expect(compareOutputs(numbers(1, 1000), numbers(1 + TOLERANCE, 1000.009), 0)).toEqual({
    largest: expect.closeTo(0.009),
  });
  expect(compareOutputs(numbers(1, 1), numbers(1, 1.1), 0)).toEqual({
    largest: 0,
    difference: { row: 1, place: undefined, expected: '1', got: '1.1' },
  });
  expect(compareOutputs(numbers(Infinity, Number.NaN), numbers(Infinity, Number.NaN), 0)).toEqual({ largest: 0 });
  expect(compareOutputs(numbers(Number.NaN), numbers(0), 0).difference).toMatchObject({ expected: 'NaN', got: '0' });
  expect(compareOutputs(numbers(Infinity), numbers(1e308), 0).difference).toMatchObject({ got: '1e+308' });
});

test('labels and integers are equal or not', () => {
  expect(compareOutputs(labels('late', 'on time'), labels('late', 'on time'), 0)).toEqual({ largest: 0 });
  expect(compareOutputs(labels('late', 'on time'), labels('on time'), 1)).toEqual({ largest: 0 });
  expect(compareOutputs(labels('late', 'on time'), labels('late'), 1).difference).toMatchObject({ row: 1 });
  const whole = (value: bigint): Tensor => {
    return { name: 'y', datatype: 'INT64', shape: [1], data: BigInt64Array.of(value) };
  };
  expect(compareOutputs(whole(2n ** 60n), whole(2n ** 60n + 1n), 0).difference).toBeDefined();
});

test('reports another type or number of columns', () => {
  const matrix: Tensor = { name: 'y', datatype: 'FP64', shape: [1, 2], data: Float64Array.of(1, 2) };
  expect(compareOutputs(matrix, numbers(1), 0).difference).toMatchObject({
    expected: 'FP64 [rows, 2]',
    got: 'FP64 [rows]',
  });
  expect(compareOutputs(matrix, { ...matrix, data: Float64Array.of(1, 3) }, 0).difference).toMatchObject({
    row: 0,
    place: 1,
  });
});
