/** Converts the outputs of a model to columns of a table. Pure. */
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

/** The column type of each signature type: the datatype of an output varies with missing values in a batch. */
const DECLARED: Readonly<Record<string, ColumnType>> = {
  boolean: 'boolean',
  integer: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'string',
  datetime: 'timestamp',
};

/** An output, or a named column of an output that is a matrix. */
interface Part {
  readonly tensor: string;
  readonly datatype: Datatype;
  /** Dimensions after the rows. */
  readonly shape: readonly number[];
  /** Index of a named column of a matrix. */
  readonly place?: number;
  /** Type of each value. */
  readonly scalar: ColumnType;
}

export interface OutputColumns {
  readonly columns: readonly Column[];
  /**
   * Returns the cells of each row. @throws DaisError `invalid_request` if the outputs have another format than the
   * first.
   */
  cells(answer: readonly Tensor[], rows: number): readonly (readonly Cell[])[];
}

/**
 * The first outputs determine the columns, with the types that the signature declares (`declared`) where the values
 * fit. `taken`: names of the existing columns.
 */
export function outputColumns(
  first: readonly Tensor[],
  declared: readonly { readonly name: string; readonly type: string }[],
  taken: readonly string[],
): OutputColumns {
  const [only] = first;
  const names = declared.map(({ name }) => name);
  const isNamed = first.length === 1 && only?.shape.length === 2 && names.length > 0 && only.shape[1] === names.length;
  const parts = new Map<string, Part>();
  const add = (name: string, found: Omit<Part, 'scalar'>) => {
    const own = TYPES[found.datatype];
    if (own === undefined)
      throw wrong(`The model returns "${name}" as ${found.datatype}, which a dataset cannot store.`);
    const declaredType = DECLARED[declared.find((one) => one.name === name)?.type ?? ''];
    const tensor = first.find((one) => one.name === found.tensor);
    const part = { ...found, scalar: declaredType !== undefined && holds(declaredType, tensor) ? declaredType : own };
    const other = [...taken, ...parts.keys()].find((one) => one.toLowerCase() === name.toLowerCase());
    if (other !== undefined) {
      throw wrong(
        `The model returns "${name}", but the output already has a column "${other}". Leave that column out (--columns).`,
      );
    }
    parts.set(name, part);
  };
  for (const { name, datatype, shape } of first) {
    const part = { tensor: name, datatype, shape: shape.slice(1) };
    if (isNamed) for (const [position, column] of names.entries()) add(column, { ...part, place: position });
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
  return isOne(part) ? part.scalar : part.shape.reduceRight<ColumnType>((type) => `list<${type}>`, part.scalar);
}

function reader(name: string, part: Part, answer: readonly Tensor[], rows: number): (row: number) => Cell {
  const tensor = answer.find((one) => one.name === part.tensor);
  const sameRank = tensor?.shape.length === part.shape.length + 1;
  if (tensor === undefined || !holds(part.scalar, tensor) || !sameRank || tensor.shape[0] !== rows) {
    const actual = tensor === undefined ? 'nothing' : `${tensor.datatype} [${tensor.shape.join(', ')}]`;
    throw wrong(
      `The model returned "${name}" as ${actual}, but as ${part.scalar} [rows, ${part.shape.join(', ')}] before.`,
    );
  }
  const sizes = tensor.shape.slice(1);
  const width = sizes.reduce((product, size) => product * size, 1);
  if (isOne(part)) {
    if (part.place === undefined && width !== 1)
      throw wrong(`The model returned "${name}" with ${width} values per row, but with one before.`);
    const at = part.place ?? 0;
    return (row) => cellOf(tensor, row * width + at, part.scalar);
  }
  return (row) => nested(tensor, sizes, row * width, part.scalar);
}

function nested(tensor: Tensor, sizes: readonly number[], at: number, type: ColumnType): Cell {
  const [size, ...rest] = sizes;
  if (size === undefined) return cellOf(tensor, at, type);
  const step = rest.reduce((product, one) => product * one, 1);
  return Array.from({ length: size }, (_, position) => nested(tensor, rest, at + position * step, type));
}

/** Whether the values of a tensor fit a column type, as far as the datatype determines it. */
function holds(type: ColumnType, tensor: Tensor | undefined): boolean {
  if (tensor === undefined) return false;
  const { datatype } = tensor;
  const own = TYPES[datatype];
  if (own === type) return true;
  // A batch of missing values has no type.
  if (datatype === 'BYTES' && isAllMissing(tensor)) return true;
  if (type === 'timestamp') return datatype === 'BYTES' && isMoments(tensor);
  if (own === undefined || own === 'string' || own === 'boolean') return false;
  // Integers and booleans with missing values are floats in systems without a null value.
  const only = ONLY[type];
  if (only === undefined) return false;
  const { data } = tensor;
  for (let at = 0; at < data.length; at++) if (!only(Number(data[at]))) return false;
  return true;
}

const wholeUpTo = (limit: number) => (value: number) =>
  Number.isNaN(value) || (Number.isInteger(value) && value >= -limit && value < limit);
const ONLY: Readonly<Partial<Record<ColumnType, (value: number) => boolean>>> = {
  float64: () => true,
  int32: wholeUpTo(2 ** 31),
  int64: wholeUpTo(2 ** 63),
  boolean: (value) => Number.isNaN(value) || value === 0 || value === 1,
};
const MOMENT = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

function isAllMissing({ data, nulls }: Tensor): boolean {
  return nulls !== undefined && nulls.length === data.length && nulls.every((one) => one === 1);
}

function isMoments({ data, nulls }: Tensor): boolean {
  return (data as readonly Buffer[]).every((text, at) => nulls?.[at] === 1 || MOMENT.test(text.toString('utf8')));
}

/** As in `Cell`: numbers without a JSON form are text. */
function cellOf({ data, nulls }: Tensor, at: number, type: ColumnType): Cell {
  if (nulls?.[at] === 1) return null;
  const value = data[at] as number | bigint | Buffer;
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (type === 'boolean') return Number.isNaN(value) ? null : Number(value) !== 0;
  if (typeof value === 'bigint') return type === 'float64' ? Number(value) : String(value);
  if (Number.isFinite(value)) return value;
  return type === 'int32' || type === 'int64' ? null : String(value);
}

function wrong(detail: string): DaisError {
  return new DaisError('invalid_request', detail);
}
