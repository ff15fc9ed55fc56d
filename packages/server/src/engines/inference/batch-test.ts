/**
 * Tests whether rows of different requests may be batched: a batch of two rows must return what two batches of one row return.
 * A model that normalizes over its batch, or returns one result for all of it, fails this test and is not batched (MLServer
 * #1306, #903).
 */
import type { Tensor, TensorSpec } from './contract.ts';
import { arrayTypeOf, elementsOf, joinRows, rowsOf, sliceRows } from './tensors.ts';

const TOLERANCE = 1e-5;
/** Sizes for dynamic dimensions of a generated row, tried in order until the model accepts one. */
const OPEN_SIZES = [1, 4, 16];

type Run = (inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;

export interface BatchTest {
  readonly batchable: boolean;
  /** Two rows that the model accepts; undefined when none was found. */
  readonly rows: readonly Tensor[] | undefined;
}

export async function testBatches(
  run: Run,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  sample: readonly Tensor[] | undefined,
): Promise<BatchTest> {
  const isOpen = [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
  for (const two of candidates(inputs, sample)) {
    const together = await run(two).catch(() => undefined);
    if (together === undefined) continue;
    return { batchable: isOpen && (await rowByRow(run, two, together)), rows: two };
  }
  return { batchable: false, rows: undefined };
}

async function rowByRow(run: Run, two: readonly Tensor[], together: readonly Tensor[]): Promise<boolean> {
  if (!together.every(({ shape }) => shape[0] === 2)) return false;
  try {
    for (const row of [0, 1]) {
      const alone = await run(two.map((tensor) => sliceRows(tensor, row, row + 1)));
      const isSame = together.every((tensor, at) => agrees(sliceRows(tensor, row, row + 1), alone[at]));
      if (!isSame || alone.length !== together.length) return false;
    }
  } catch {
    return false;
  }
  return true;
}

function agrees(expected: Tensor, given: Tensor | undefined): boolean {
  if (given === undefined || given.datatype !== expected.datatype) return false;
  if (given.shape.join() !== expected.shape.join() || given.data.length !== expected.data.length) return false;
  for (let index = 0; index < expected.data.length; index++) {
    const a = expected.data[index];
    const b = given.data[index];
    if (Buffer.isBuffer(a)) {
      if (!a.equals(b as Buffer)) return false;
      continue;
    }
    if (Object.is(a, b) || a === b) continue;
    if (typeof a !== 'number' || typeof b !== 'number') return false;
    // Half-precision values are bits here: adjacent values count as equal.
    if (expected.datatype === 'FP16' || expected.datatype === 'BF16') {
      if (Math.abs(a - b) > 1) return false;
      continue;
    }
    if (!(Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a)))) return false;
  }
  return true;
}

function* candidates(
  inputs: readonly TensorSpec[],
  sample: readonly Tensor[] | undefined,
): Generator<readonly Tensor[]> {
  if (sample !== undefined && sample.length > 0) {
    const rows = rowsOf(sample);
    if (sample.every(({ shape }) => shape.length > 0 && shape[0] === rows)) {
      if (rows >= 2) yield sample.map((tensor) => sliceRows(tensor, 0, 2));
      if (rows === 1) yield sample.map((tensor) => joinRows(tensor.name, tensor, nearby(tensor)));
    }
  }
  // Without a signature no rows can be generated.
  if (inputs.length === 0) return;
  const required = inputs.filter(({ optional }) => optional !== true);
  const isFixed = required.every(({ shape }) => !shape.slice(1).includes(-1));
  for (const open of isFixed ? [1] : OPEN_SIZES) yield required.map((spec, at) => madeUp(spec, open, at));
}

/** Adds a different row to a single one: two equal rows would not show dependencies within a batch. */
function nearby(tensor: Tensor): Tensor {
  const { data } = tensor;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return tensor;
  return { ...tensor, data: data.map((value) => value * 0.9) };
}

/** Deterministic small numbers that differ in each row. */
function madeUp({ name, datatype, shape: sizes }: TensorSpec, open: number, seed: number): Tensor {
  const shape = sizes.map((size, at) => (size !== -1 ? size : at === 0 ? 2 : open));
  const count = elementsOf(shape);
  let state = 0x9e37 + seed;
  const next = () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
  if (datatype === 'BYTES') {
    return { name, datatype, shape, data: Array.from({ length: count }, () => Buffer.from(next() < 0.5 ? 'a' : 'b')) };
  }
  const data = new (arrayTypeOf(datatype))(count);
  for (let index = 0; index < count; index++) {
    const value = next();
    if (data instanceof Float32Array || data instanceof Float64Array) data[index] = value;
    else if (data instanceof BigInt64Array || data instanceof BigUint64Array)
      data[index] = BigInt(Math.floor(value * 2));
    // From 1 to 2 in both half-precision formats.
    else if (datatype === 'FP16') data[index] = 0x3c00 + Math.floor(value * 1024);
    else if (datatype === 'BF16') data[index] = 0x3f80 + Math.floor(value * 128);
    else data[index] = Math.floor(value * 2);
  }
  return { name, datatype, shape, data };
}
