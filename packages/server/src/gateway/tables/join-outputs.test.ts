import { expect, test } from 'vitest';
import type { Tensor } from '../tensors/tensors.ts';
import { joinOutputs } from './join-outputs.ts';

const long: Tensor = { name: 'y', datatype: 'INT64', shape: [1], data: BigInt64Array.of(3n) };
const double: Tensor = { name: 'y', datatype: 'FP64', shape: [1], data: Float64Array.of(0.5) };
const truth: Tensor = { name: 'y', datatype: 'BOOL', shape: [1], data: Uint8Array.of(1) };
const text: Tensor = { name: 'y', datatype: 'BYTES', shape: [1], data: [Buffer.from('a')] };
const missing: Tensor = { ...text, data: [Buffer.alloc(0)], nulls: Uint8Array.of(1) };
const join = (...rows: readonly Tensor[]) => joinOutputs(rows.map((row) => [row]))[0];

test('a row without a value has the type of the others', () => {
  expect(join(missing, long)).toMatchObject({ datatype: 'INT64', shape: [2], data: BigInt64Array.of(0n, 3n) });
  expect(join(missing, long)?.nulls).toEqual(Uint8Array.of(1, 0));
  expect(join(truth, missing)).toMatchObject({ datatype: 'BOOL', nulls: Uint8Array.of(0, 1) });
  expect(join(double, missing)).toMatchObject({ datatype: 'FP64', data: Float64Array.of(0.5, Number.NaN) });
  expect(join(missing, text)).toMatchObject({ datatype: 'BYTES', nulls: Uint8Array.of(1, 0) });
  expect(join(missing, missing)).toMatchObject({ datatype: 'BYTES', nulls: Uint8Array.of(1, 1) });
});

test('integers mixed with floats are floats; strings mixed with numbers are an error', () => {
  expect(join(long, double, missing)).toMatchObject({ datatype: 'FP64', data: Float64Array.of(3, 0.5, Number.NaN) });
  expect(() => join(text, missing, long)).toThrow('returned "y" as BYTES for one row and as INT64 for another');
  expect(() => join(long, { ...long, shape: [1, 1] })).toThrow('[1,1]');
});
