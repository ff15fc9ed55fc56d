/** Features of tensors, and rows that mix the features of two rows. */
import { DaisError } from '@dais/api/errors';
import { cutRows, elementCount, joinRows } from '../tensors/tensor-rows.ts';
import type { Tensor, TensorSpec } from '../tensors/tensors.ts';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFiles } from '#engines/inference/contract.ts';
import { ElementWriter } from '../tensors/tensor-elements.ts';

/** Images would need explanations by region, which this protocol does not define. */
const MOST_FEATURES = 512;

/** Returns `name`, or `name[3]` if a row of the input has several elements. */
export function featureNames(inputs: readonly Tensor[]): string[] {
  const names = inputs.flatMap(({ name, shape }) => {
    const width = elementCount(shape.slice(1));
    return width === 1
      ? [name]
      : Array.from({ length: Math.min(width, MOST_FEATURES + 1) }, (_, at) => `${name}[${at}]`);
  });
  if (names.length > MOST_FEATURES) {
    throw new DaisError(
      'invalid_request',
      `A row has more than ${MOST_FEATURES} elements, the limit for explanations.`,
    );
  }
  return names;
}

/** Returns each row separately. */
export function splitRows(inputs: readonly Tensor[]): readonly (readonly Tensor[])[] {
  const rows = inputs[0]?.shape[0] ?? 0;
  const cut = cutRows(
    inputs,
    Array.from({ length: rows }, () => 1),
  );
  if (rows > 0 && cut !== undefined) return cut;
  throw new DaisError('invalid_request', 'The inputs have no rows, or they have different numbers of rows.');
}

/** Returns one row as input of a tree ensemble: all inputs concatenated, in float32. */
export function treeFeatures(inputs: readonly { readonly name: string }[], row: readonly Tensor[]): Float32Array {
  const parts = inputs.map(({ name }) => row.find((tensor) => tensor.name === name)?.data ?? []);
  const features = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) for (const value of part) features[at++] = Number(value);
  return features;
}

/** Maps values of tree features to the order of `featureNames`. The last tree features may not occur in any tree. */
export function inInputOrder(
  inputs: readonly { readonly name: string }[],
  row: readonly Tensor[],
  ofTrees: ArrayLike<number>,
): Float64Array {
  const positions = new Map<string, number>();
  let index = 0;
  for (const { name } of inputs) {
    positions.set(name, index);
    index += row.find((tensor) => tensor.name === name)?.data.length ?? 0;
  }
  return Float64Array.from(
    row.flatMap(({ name, data }) =>
      Array.from({ length: data.length }, (_, at) => ofTrees[(positions.get(name) ?? index) + at] ?? 0),
    ),
  );
}

/**
 * Returns one row for each coalition (count × features) and background row; features in the order of `featureNames`.
 */
export function mixedRows(
  row: readonly Tensor[],
  background: readonly (readonly Tensor[])[],
  coalitions: Uint8Array,
  features: number,
): readonly Tensor[] {
  const rows: (readonly Tensor[])[] = [];
  for (let from = 0; from < coalitions.length; from += features) {
    for (const other of background) rows.push(mixed(row, other, coalitions.subarray(from, from + features)));
  }
  return joinRows(rows);
}

function mixed(row: readonly Tensor[], other: readonly Tensor[], members: Uint8Array): readonly Tensor[] {
  let feature = 0;
  return other.map((tensor, index) => {
    const own = row[index] as Tensor;
    // Copies the typed array, or the list of strings.
    const data = tensor.data.slice() as Float32Array;
    for (let at = 0; at < data.length; at++) {
      if (members[feature++] === 1) data[at] = own.data[at] as number;
    }
    return { name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, data };
  });
}

const EXAMPLE = 'input_example.json';
/** Larger examples would block the event loop while they are parsed. */
const MOST_EXAMPLE_BYTES = 1024 * 1024;

/** Returns undefined if there is no example that fits the inputs. */
export async function exampleRows(
  { folder }: ModelFiles,
  specs: readonly TensorSpec[],
): Promise<readonly Tensor[] | undefined> {
  try {
    const file = join(folder, EXAMPLE);
    if ((await stat(file)).size > MOST_EXAMPLE_BYTES) return undefined;
    const example: unknown = JSON.parse(await readFile(file, 'utf8'));
    const tensors = specs.map((spec) => tensorOf(spec, columnOf(example, spec, specs)));
    const [rows] = tensors[0]?.shape ?? [];
    return rows !== undefined && rows > 0 && tensors.every(({ shape }) => shape[0] === rows) ? tensors : undefined;
  } catch {
    // The model author wrote the example. On failure the error asks the caller to send background rows.
    return undefined;
  }
}

interface Split {
  readonly columns: readonly unknown[];
  readonly data: readonly (readonly unknown[])[];
}

/** Reads the formats of MLflow: a table split into columns and data, tensors by name, one tensor. */
function columnOf(example: unknown, { name }: TensorSpec, specs: readonly TensorSpec[]): unknown {
  if (isSplit(example)) {
    const index = example.columns.indexOf(name);
    if (index !== -1) return example.data.map((row) => row[index]);
    if (specs.length === 1) return example.data;
    throw new TypeError(`the input example has no column ${name}`);
  }
  const inner = example !== null && typeof example === 'object' && 'inputs' in example ? example.inputs : example;
  if (Array.isArray(inner)) return specs.length === 1 ? inner : inner.map((row: Record<string, unknown>) => row[name]);
  return (inner as Record<string, unknown>)[name];
}

function isSplit(example: unknown): example is Split {
  return example !== null && typeof example === 'object' && 'columns' in example && 'data' in example;
}

function tensorOf({ name, datatype, shape }: TensorSpec, rows: unknown): Tensor {
  const flat: unknown[] = (rows as unknown[]).flat(shape.length);
  const width = elementCount(shape.slice(1).map((size) => Math.max(1, size)));
  const sizes = [flat.length / width, ...shape.slice(1).map((size) => Math.max(1, size))];
  if (!Number.isInteger(sizes[0])) throw new TypeError(`the input example has no complete row for ${name}`);
  const elements = new ElementWriter(name, datatype, flat.length);
  for (const value of flat) {
    if (typeof value === 'string') elements.text(value);
    else if (typeof value === 'boolean') elements.truth(value);
    else elements.number(value === null ? Number.NaN : Number(value));
  }
  return { name, datatype, shape: sizes, data: elements.data };
}
