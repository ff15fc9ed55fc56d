/** Builds nodes, weights, inputs and outputs of test graphs. */
import type { Tensor } from '../contract.ts';
import type { NodeText, ValueText, Weights } from './onnx-files.testing.ts';

/** Batches of four columns. */
export const X: ValueText = { name: 'x', datatype: 'FP32', shape: ['n', 4] };
export const Y: ValueText = { name: 'y', datatype: 'FP32', shape: ['n', 4] };
/** A scalar for loops and branches. */
export const VALUE = { datatype: 'FP32' as const, shape: [] as (number | string)[] };

export const ints = (name: string, ...values: readonly number[]): Weights => ({
  name,
  shape: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
});
export const scalar = (name: string, value: number): Weights => ({
  name,
  shape: [],
  data: BigInt64Array.of(BigInt(value)),
});
export const floats = (name: string, ...values: readonly number[]): Weights => ({
  name,
  shape: [values.length],
  data: Float32Array.from(values),
});
export const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeText['attributes'] = {},
): NodeText => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});

/** A batch of one row for the input `X`. */
export const rowOf = (...values: readonly number[]): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [1, 4],
  data: Float32Array.from(values),
});
