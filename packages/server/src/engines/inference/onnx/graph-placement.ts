/**
 * Decides which batches of an ONNX graph may run within the caller's process: those with statically bounded memory and time.
 * All others run in a process with limits.
 */
import type { Tensor, TensorSpec } from '../contract.ts';
import { boundOnnx } from './graph/bound-onnx.ts';

export interface GraphPlacement {
  /** Maximum rows of one batch within the caller's process; 0: none. */
  readonly rows: number;
  /** Why larger batches, or all, run in a process. */
  readonly reason: string | undefined;
}

export interface PlacedGraph {
  readonly file: Buffer;
  /** Sizes in bytes by location. */
  readonly externalData: ReadonlyMap<string, number>;
  readonly maxRows: number;
}

/** Limit of loading and one run together. Threads run several batches concurrently, so a gateway of 1 GiB still has space. */
const MOST_BYTES = 128 * 1024 * 1024;
/** About two seconds on one core: native code cannot be interrupted. */
const MOST_OPERATIONS = 2e9;
/** Limit of loading, about 0.2 s: the runtime blocks the caller's thread. Each node takes 150 µs. */
const MOST_LOAD_OPERATIONS = 2e8;
/** Maximum of other dynamic dimensions, such as the length of a sequence. */
const MOST_OPEN_DIMENSION = 512;
const MOST_TEXT_BYTES = 1024 * 1024;
/** If the largest admitted batch needs too much, smaller ones are tried. */
const SMALLER_ROWS = [4096, 1024, 256, 64, 16];

export const ISOLATED: GraphPlacement = { rows: 0, reason: undefined };

export function placeGraph({ file, externalData, maxRows }: PlacedGraph): GraphPlacement {
  let reason: string | undefined;
  for (const rows of [maxRows, ...SMALLER_ROWS.filter((fewer) => fewer < maxRows)]) {
    const bound = boundOnnx(file, {
      maxBatch: rows,
      maxOpenDimension: MOST_OPEN_DIMENSION,
      maxTextBytes: MOST_TEXT_BYTES,
      externalData,
    });
    if (!bound.bounded) return { rows: 0, reason: bound.reason };
    if (bound.loadOperations > MOST_LOAD_OPERATIONS) {
      const seconds = (bound.loadOperations / 1e9).toPrecision(2);
      return { rows: 0, reason: `loading it takes up to ${seconds} s` };
    }
    if (bound.peakBytes <= MOST_BYTES && bound.operations <= MOST_OPERATIONS) return { rows, reason };
    const mebibytes = Math.ceil(bound.peakBytes / 2 ** 20);
    const node = bound.largest === undefined ? '' : ` (largest: operator ${bound.largest.operator})`;
    reason ??= `a batch of ${rows} rows needs up to ${mebibytes} MiB and ${bound.operations.toExponential(1)} operations${node}`;
    // Weights do not depend on the batch size.
    if (bound.loadBytes > MOST_BYTES) break;
  }
  return { rows: 0, reason };
}

/** Returns a function that checks whether the bound covers a batch. Called for each batch. */
export function admittedBatches(
  { rows }: GraphPlacement,
  specs: readonly TensorSpec[],
): (inputs: readonly Tensor[]) => boolean {
  const hasText = specs.some(({ datatype }) => datatype === 'BYTES');
  const open = new Map(
    specs.flatMap(({ name, shape }) => {
      const positions = shape.flatMap((size, at) => (at > 0 && size === -1 ? [at] : []));
      return positions.length === 0 ? [] : [[name, positions] as const];
    }),
  );
  return (inputs) => {
    for (const { shape } of inputs) if ((shape[0] ?? 1) > rows) return false;
    if (open.size > 0) {
      for (const { name, shape } of inputs) {
        if (open.get(name)?.some((at) => (shape[at] ?? 0) > MOST_OPEN_DIMENSION) === true) return false;
      }
    }
    return !hasText || textBytes(inputs) <= MOST_TEXT_BYTES;
  };
}

function textBytes(inputs: readonly Tensor[]): number {
  let bytes = 0;
  for (const { datatype, data } of inputs) {
    if (datatype === 'BYTES') for (const text of data as readonly Buffer[]) bytes += text.length;
  }
  return bytes;
}
