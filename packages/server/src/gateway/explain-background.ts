/** The background rows of an explanation when the request contains none: the input example of the model. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFiles } from '#engines/inference/contract.ts';
import { elementCount } from './tensor-rows.ts';
import { ElementWriter } from './tensor-elements.ts';
import type { Tensor, TensorSpec } from './tensors.ts';

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
    // The model author wrote the example. On failure the caller is told to send background rows.
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
