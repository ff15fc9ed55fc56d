/** Compares the outputs of a converted model with the original. Pure. */
import type { Tensor } from '#engines/inference/contract.ts';

/** Numbers may differ by this absolute and relative tolerance. Labels, booleans and integers must be equal. */
export const TOLERANCE = 1e-5;

export interface Difference {
  /** Row index, from 0. */
  readonly row: number;
  /** Index in an output with several numbers per row, from 0. */
  readonly place: number | undefined;
  readonly expected: string;
  readonly got: string;
}

export interface ComparisonResult {
  readonly largest: number;
  readonly difference?: Difference;
}

/** @param got the outputs of the rows starting at `from` */
export function compareOutputs(expected: Tensor, got: Tensor, from: number): ComparisonResult {
  const rows = got.shape[0] ?? 0;
  const width = sizeOf(expected.shape.slice(1));
  if (sizeOf(got.shape.slice(1)) !== width || got.datatype !== expected.datatype) {
    const form = ({ datatype, shape }: Tensor) => `${datatype} [${['rows', ...shape.slice(1)].join(', ')}]`;
    return { largest: 0, difference: { row: from, place: undefined, expected: form(expected), got: form(got) } };
  }
  let largest = 0;
  for (let at = 0; at < rows * width; at++) {
    const expectedValue = valueAt(expected, from * width + at);
    const found = valueAt(got, at);
    const apart = distance(expectedValue, found);
    const allowed =
      isReal(expected) && Number.isFinite(expectedValue) ? TOLERANCE * (1 + Math.abs(Number(expectedValue))) : 0;
    const isNear = apart <= allowed;
    if (!isNear) {
      const position = width === 1 ? undefined : at % width;
      const row = from + Math.floor(at / width);
      return { largest, difference: { row, place: position, expected: String(expectedValue), got: String(found) } };
    }
    largest = Math.max(largest, apart);
  }
  return { largest };
}

function isReal({ datatype }: Tensor): boolean {
  return datatype === 'FP64' || datatype === 'FP32';
}

function distance(expectedValue: number | bigint | string, found: number | bigint | string): number {
  if (expectedValue === found || (Number.isNaN(expectedValue) && Number.isNaN(found))) return 0;
  if (typeof expectedValue === 'number' && typeof found === 'number') return Math.abs(expectedValue - found);
  return Infinity;
}

function valueAt({ data }: Tensor, position: number): number | bigint | string {
  const value = data[position] as number | bigint | Buffer;
  return Buffer.isBuffer(value) ? value.toString('utf8') : value;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
