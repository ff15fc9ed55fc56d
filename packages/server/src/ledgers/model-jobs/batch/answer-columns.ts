/** What a model says of rows, as columns of a table. Pure. */
import { DaisError } from '@dais/api';
import type { Datatype, Tensor } from '#engines/inference/contract.ts';
import type { Cell, Column } from '#engines/query/contract.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';

const TYPES: Readonly<Partial<Record<Datatype, ColumnType>>> = {
  BOOL: 'boolean',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
};

/** One output, or one column of an output that is a matrix with names. */
interface Part {
  readonly tensor: string;
  readonly datatype: Datatype;
  /** Behind the rows. */
  readonly shape: readonly number[];
  /** Of a matrix whose columns have names: which one. */
  readonly place?: number;
}

export interface AnswerColumns {
  readonly columns: readonly Column[];
  /** The cells of each row. @throws DaisError `invalid_request` when the model answers in another form than before. */
  cells(answer: readonly Tensor[], rows: number): readonly (readonly Cell[])[];
}

/**
 * The form of the first answer is the form of all. `names`: of the columns of one matrix, by the signature. `taken`: columns
 * that stand beside them.
 */
export function answerColumns(
  first: readonly Tensor[],
  names: readonly string[],
  taken: readonly string[],
): AnswerColumns {
  const [only] = first;
  const isNamed = first.length === 1 && only?.shape.length === 2 && names.length > 0 && only.shape[1] === names.length;
  const parts = new Map<string, Part>();
  const add = (name: string, part: Part) => {
    if (TYPES[part.datatype] === undefined)
      throw wrong(`The model answers "${name}" in ${part.datatype}, which no column holds.`);
    const other = [...taken, ...parts.keys()].find((one) => one.toLowerCase() === name.toLowerCase());
    if (other !== undefined) {
      throw wrong(`The model answers with "${name}", and "${other}" is a column already: leave that out (--columns).`);
    }
    parts.set(name, part);
  };
  for (const { name, datatype, shape } of first) {
    const part = { tensor: name, datatype, shape: shape.slice(1) };
    if (isNamed) for (const [place, column] of names.entries()) add(column, { ...part, place });
    else add(name, part);
  }
  const columns = [...parts].map(([name, part]) => ({ name, type: typeOf(part) }));
  return {
    columns,
    cells: (answer, rows) => {
      const readers = [...parts].map(([name, part]) => reader(name, part, answer, rows));
      return Array.from({ length: rows }, (_, row) => readers.map((read) => read(row)));
    },
  };
}

function isOne({ shape, place }: Part): boolean {
  return place !== undefined || shape.every((size) => size === 1);
}

function typeOf(part: Part): ColumnType {
  const scalar = TYPES[part.datatype] ?? 'string';
  return isOne(part) ? scalar : part.shape.reduceRight<ColumnType>((type) => `list<${type}>`, scalar);
}

function reader(name: string, part: Part, answer: readonly Tensor[], rows: number): (row: number) => Cell {
  const tensor = answer.find((one) => one.name === part.tensor);
  const sameRank = tensor?.shape.length === part.shape.length + 1;
  if (tensor === undefined || tensor.datatype !== part.datatype || !sameRank || tensor.shape[0] !== rows) {
    const told = tensor === undefined ? 'nothing' : `${tensor.datatype} [${tensor.shape.join(', ')}]`;
    throw wrong(
      `The model answered "${name}" with ${told}, and before with ${part.datatype} [rows, ${part.shape.join(', ')}].`,
    );
  }
  const sizes = tensor.shape.slice(1);
  const width = sizes.reduce((product, size) => product * size, 1);
  if (isOne(part)) {
    if (part.place === undefined && width !== 1)
      throw wrong(`The model answered "${name}" with ${width} values a row, and before with one.`);
    const at = part.place ?? 0;
    return (row) => cellOf(tensor, row * width + at);
  }
  return (row) => nested(tensor, sizes, row * width, 0);
}

function nested(tensor: Tensor, sizes: readonly number[], at: number, level: number): Cell {
  if (level === sizes.length) return cellOf(tensor, at);
  const step = sizes.slice(level + 1).reduce((product, size) => product * size, 1);
  return Array.from({ length: sizes[level] ?? 0 }, (_, place) => nested(tensor, sizes, at + place * step, level + 1));
}

/** As `Cell` has it: what JSON has no number for is text. */
function cellOf({ datatype, data, nulls }: Tensor, at: number): Cell {
  if (nulls?.[at] === 1) return null;
  const value = data[at] as number | bigint | Buffer;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (datatype === 'BOOL') return value !== 0;
  if (typeof value === 'bigint') return String(value);
  return Number.isFinite(value) ? value : String(value);
}

function wrong(detail: string): DaisError {
  return new DaisError('invalid_request', detail);
}
