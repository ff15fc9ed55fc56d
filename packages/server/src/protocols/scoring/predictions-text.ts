/** `predictions` in the format that fits the outputs. */
import type { InferResponse, Tensor } from '#gateway/index.ts';
import { float32Text } from '#lib/formats/float-text.ts';
import { columnsOf } from '#lib/model-signature.ts';

/** One output: a list, nested as it is. Several, or columns of the signature: a record for each row. */
export function predictionsText({ outputs, described }: InferResponse): string {
  const [first] = outputs;
  const columns = columnsOf(described.signature, 'outputs')?.flatMap(({ name }) => name ?? []);
  if (outputs.length === 1 && first !== undefined) {
    const named = columns !== undefined && columns.length > 0 && first.shape.length === 2;
    if (!named || columns.length !== first.shape[1]) return nested(first);
    return records(columns, first.shape[0] ?? 0, (column, row) => element(first, row * columns.length + column));
  }
  const rows = first?.shape[0] ?? 0;
  const flat = outputs.every(({ shape }) => shape[0] === rows && shape.slice(1).every((size) => size === 1));
  if (flat) {
    const names = outputs.map(({ name }) => name);
    return records(names, rows, (column, row) => element(outputs[column] as Tensor, row));
  }
  return `{${outputs.map((output) => `${JSON.stringify(output.name)}:${nested(output)}`).join()}}`;
}

function records(names: readonly string[], rows: number, value: (column: number, row: number) => string): string {
  const keys = names.map((name) => JSON.stringify(name));
  const texts = Array.from(
    { length: rows },
    (_, row) => `{${keys.map((key, column) => `${key}:${value(column, row)}`).join()}}`,
  );
  return `[${texts.join()}]`;
}

function nested(tensor: Tensor): string {
  let at = 0;
  const level = (depth: number): string => {
    if (depth === tensor.shape.length) return element(tensor, at++);
    return `[${Array.from({ length: tensor.shape[depth] as number }, () => level(depth + 1)).join()}]`;
  };
  return level(0);
}

function element({ datatype, data, nulls }: Tensor, position: number): string {
  if (nulls?.[position] === 1) return 'null';
  const value = data[position] as number | bigint | Buffer;
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString('utf8'));
  if (datatype === 'BOOL') return value === 0 ? 'false' : 'true';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  return datatype === 'FP32' ? float32Text(value as number) : String(value);
}
