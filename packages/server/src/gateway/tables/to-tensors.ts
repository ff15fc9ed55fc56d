/** Converts tables and lists to the tensors that a model expects. */
import { DaisError } from '@dais/api/errors';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import type { ServedDescription } from '../serving-protocol.ts';
import { ElementWriter } from '../tensors/tensor-elements.ts';
import type { Datatype, Tensor, TensorSpec } from '../tensors/tensors.ts';
import { columnsOf, type Column } from '#lib/model-signature.ts';

export function toTensors(given: InputTable, described: ServedDescription): Tensor[] {
  const { inputs } = described;
  const columns = columnsOf(described.signature, 'inputs');
  switch (given.kind) {
    case 'table':
      return fromTable(given, inputs, columns, described.enforce);
    case 'rows':
      return fromRows(given.rows, inputs, columns);
    case 'tensor':
      return fromList(given.value, inputs, columns);
    case 'tensors':
      return fromNamed(given.values, inputs, columns);
    default:
      return given satisfies never;
  }
}

type Table = Extract<InputTable, { readonly kind: 'table' }>;

function fromTable(
  { columns: found, rows, cells }: Table,
  inputs: readonly TensorSpec[],
  columns: readonly Column[] | undefined,
  enforce: boolean,
): Tensor[] {
  const isByPosition = areUnnamed(columns, inputs);
  if (isByPosition && found.size < inputs.length) throw tooFew(found.size, inputs);
  const table = isByPosition
    ? new Map([...found.values()].map((values, index) => [inputs[index]?.name ?? '', values]))
    : found;
  if (enforce && columns !== undefined && !isByPosition) {
    const missing = columns.filter(({ name, required }) => required && name !== undefined && !table.has(name));
    if (missing.length > 0) {
      throw wrong(`The columns ${missing.map(({ name, type }) => `"${name}" (${type})`).join(', ')} are missing.`);
    }
  }
  const valuesOf = (name: string, datatype: Datatype): readonly JsonValue[] => {
    const values = table.get(name);
    if (values === undefined) throw wrong(`The column "${name}" (${datatype}) is missing.`);
    return cells === 'texts' ? values.map((text) => cellValue(text as string, datatype === 'BYTES')) : values;
  };
  const [matrix] = inputs;
  if (inputs.length === 1 && matrix !== undefined && matrix.shape.length > 1 && !table.has(matrix.name)) {
    const names = columns?.flatMap(({ name }) => (name === undefined ? [] : [name])) ?? [...table.keys()];
    return [pack(matrix, names, rows, valuesOf)];
  }
  if (inputs.length === 0) return [...table.keys()].map((name) => guessed(name, valuesOf(name, 'FP64'), [rows]));
  return inputs
    .filter(({ name, optional }) => optional !== true || table.has(name))
    .map((spec) => {
      const values = valuesOf(spec.name, spec.datatype);
      const isBinary = columns?.some(({ name, type }) => name === spec.name && type === 'binary');
      if (spec.shape.length < 2) return tensor(spec, [rows], values, spec.name, isBinary);
      // Lists inside the rows.
      const shape = shapeOf([...values]);
      return tensor(spec, shape.length > 1 ? shape : [rows, 1], flatten(values), spec.name);
    });
}

/** Matches by position: the columns of the signature have no names. */
function areUnnamed(columns: readonly Column[] | undefined, inputs: readonly TensorSpec[]): boolean {
  return (
    columns !== undefined &&
    columns.length === inputs.length &&
    columns.every(({ name }) => name === undefined) &&
    inputs.every(({ shape }) => shape.length === 1)
  );
}

function tooFew(columns: number, inputs: readonly TensorSpec[]): DaisError {
  return wrong(`The request has ${columns} columns; the model expects ${inputs.length}, matched by position.`);
}

/** Packs columns into the single matrix that a model expects. */
function pack(
  spec: TensorSpec,
  names: readonly string[],
  rows: number,
  valuesOf: (name: string, datatype: Datatype) => readonly JsonValue[],
): Tensor {
  const columns = names.map((name) => valuesOf(name, spec.datatype));
  const elements = new ElementWriter(spec.name, spec.datatype, rows * names.length);
  for (let row = 0; row < rows; row++) {
    for (const [index, values] of columns.entries()) put(elements, values[row] ?? null, names[index] as string, row);
  }
  return { name: spec.name, datatype: spec.datatype, shape: [rows, names.length], data: elements.data };
}

function fromRows(
  rows: readonly (readonly JsonValue[])[],
  inputs: readonly TensorSpec[],
  columns: readonly Column[] | undefined,
): Tensor[] {
  const named = columns?.filter(({ name }) => name !== undefined) ?? [];
  if (named.length > 0) {
    throw wrong(`The table has no "columns"; the model expects ${named.map(({ name }) => `"${name}"`).join(', ')}.`);
  }
  if (inputs.length > 0 && !areUnnamed(columns, inputs))
    return fromList(rows as readonly JsonValue[][], inputs, columns);
  // Columns are named by their position, as in pandas.
  const width = rows[0]?.length ?? inputs.length;
  if (rows.some(({ length }) => length !== width)) throw wrong('The rows of the table have different lengths.');
  const found = Array.from({ length: width }, (_, index): [string, JsonValue[]] => [
    String(index),
    rows.map((row) => row[index] ?? null),
  ]);
  return fromTable({ kind: 'table', columns: new Map(found), rows: rows.length }, inputs, columns, true);
}

function fromList(
  value: readonly JsonValue[],
  inputs: readonly TensorSpec[],
  columns: readonly Column[] | undefined,
): Tensor[] {
  const [spec] = inputs;
  if (spec === undefined) return [guessed('input', flatten(value), shapeOf(value as JsonValue[]))];
  if (areUnnamed(columns, inputs) && value.length > 0 && value.every(Array.isArray)) {
    return fromRows(value as readonly JsonValue[][], inputs, columns);
  }
  if (inputs.length > 1) {
    const names = columns?.map(({ name }) => name) ?? inputs.map(({ name }) => name);
    throw wrong(`A list has no column names; the model expects ${names.map((name) => `"${name}"`).join(', ')}.`);
  }
  return [tensor(spec, shapeOf(value as JsonValue[]), flatten(value), spec.name)];
}

function fromNamed(
  values: ReadonlyMap<string, JsonValue>,
  inputs: readonly TensorSpec[],
  columns: readonly Column[] | undefined,
): Tensor[] {
  const [only] = inputs;
  const byColumn = inputs.length === 1 && only !== undefined && !values.has(only.name);
  if (byColumn) {
    const table = new Map([...values].map(([name, value]) => [name, Array.isArray(value) ? value : [value]]));
    const rows = Math.max(0, ...[...table.values()].map((column) => column.length));
    return fromTable({ kind: 'table', columns: table, rows }, inputs, columns, true);
  }
  const unknown = [...values.keys()].find((name) => inputs.every((input) => input.name !== name));
  if (inputs.length > 0 && unknown !== undefined && inputs.every(({ name }) => !values.has(name))) {
    throw wrong(`The model has no input "${unknown}"; it has ${inputs.map(({ name }) => `"${name}"`).join(', ')}.`);
  }
  return [...values].flatMap(([name, given]) => {
    const value = Array.isArray(given) ? given : [given];
    const spec = inputs.find((input) => input.name === name);
    if (inputs.length === 0) return [guessed(name, flatten(value), shapeOf(value))];
    // Ignored, like an extra column.
    if (spec === undefined) return [];
    const isBinary = columns?.some((column) => column.name === name && column.type === 'binary');
    return [tensor(spec, shapeOf(value), flatten(value), name, isBinary)];
  });
}

function tensor(
  spec: TensorSpec,
  shape: readonly number[],
  values: readonly JsonValue[],
  column: string,
  isBinary = false,
): Tensor {
  const elements = new ElementWriter(spec.name, spec.datatype, values.length);
  let nulls: Uint8Array | undefined;
  for (const [row, value] of values.entries()) {
    const missing = value === null && spec.datatype !== 'FP32' && spec.datatype !== 'FP64';
    if (!missing && isBinary) elements.text(fromBase64(value, column, row));
    else if (!missing) put(elements, value, column, row);
    else {
      if (spec.optional !== true)
        throw wrongCell(column, `Row ${row} of the column "${column}" is missing; expected ${spec.datatype}.`);
      nulls ??= new Uint8Array(values.length);
      nulls[row] = 1;
      if (spec.datatype === 'BYTES') elements.text('');
      else elements.number(0);
    }
  }
  const { name, datatype } = spec;
  return { name, datatype, shape, data: elements.data, ...(nulls !== undefined && { nulls }) };
}

/** Infers a tensor for a model without declared inputs. */
function guessed(name: string, values: readonly JsonValue[], shape: readonly number[]): Tensor {
  const present = values.filter((value) => value !== null);
  const whole = (value: JsonValue) => typeof value === 'bigint' || Number.isInteger(value);
  let datatype: Datatype = 'BYTES';
  if (present.length === values.length && present.every((value) => typeof value === 'boolean')) datatype = 'BOOL';
  else if (present.length === values.length && present.every(whole)) datatype = 'INT64';
  else if (present.every((value) => typeof value === 'number' || typeof value === 'bigint')) datatype = 'FP64';
  return tensor({ name, datatype, shape: shape.map(() => -1), optional: true }, shape, values, name);
}

function put(elements: ElementWriter, value: JsonValue, column: string, row: number): void {
  try {
    if (value === null) elements.number(Number.NaN);
    else if (typeof value === 'number' || typeof value === 'bigint') elements.number(value);
    else if (typeof value === 'boolean') elements.truth(value);
    else if (typeof value === 'string') elements.text(value);
    else elements.wrong('a list or an object');
  } catch (error) {
    if (!(error instanceof DaisError)) throw error;
    throw wrongCell(column, `Row ${row} of the column "${column}": ${error.message}`);
  }
}

/** JSON has no binary type. */
function fromBase64(value: JsonValue, column: string, row: number): Buffer {
  if (typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    return Buffer.from(value, 'base64');
  }
  throw wrong(`Row ${row} of the column "${column}" is not valid base64. Binary columns require base64.`);
}

function shapeOf(value: JsonValue): number[] {
  return Array.isArray(value) ? [value.length, ...(value.length === 0 ? [] : shapeOf(value[0] as JsonValue))] : [];
}

/** Throws if lists of one level differ in length. */
function flatten(value: readonly JsonValue[]): JsonValue[] {
  const shape = shapeOf(value as JsonValue[]);
  const flat: JsonValue[] = [];
  const walk = (one: JsonValue, level: number) => {
    if (level === shape.length) {
      if (Array.isArray(one)) throw wrong('The lists are ragged: lists of one level have different lengths.');
      flat.push(one);
      return;
    }
    if (!Array.isArray(one) || one.length !== shape[level])
      throw wrong('The lists are ragged: lists of one level have different lengths.');
    for (const item of one) walk(item, level + 1);
  };
  walk(value as JsonValue[], 0);
  return flat;
}

function wrong(message: string): DaisError {
  return new DaisError('invalid_request', message);
}

function wrongCell(column: string, message: string): DaisError {
  return new DaisError('invalid_request', message, { issues: [{ path: column, message }] });
}

/** Parses a CSV cell. `asText`: for a column of strings, where `007` keeps its zeros. */
function cellValue(text: string, asText: boolean): JsonValue {
  if (text === '') return null;
  if (asText) return text;
  if (/^-?\d+$/.test(text)) {
    const whole = Number(text);
    return Number.isSafeInteger(whole) ? whole : BigInt(text);
  }
  if (/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return Number(text);
  if (text === 'NaN' || text === 'nan') return Number.NaN;
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  return text;
}

/** A table in any input format: columns of values, or one nested list without names. */
export type InputTable =
  | {
      readonly kind: 'table';
      readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
      readonly rows: number;
      /** `texts`: as in CSV, where only the model determines which columns are numbers. */
      readonly cells?: 'texts';
    }
  /** Rows without column names. */
  | { readonly kind: 'rows'; readonly rows: readonly (readonly JsonValue[])[] }
  | { readonly kind: 'tensor'; readonly value: readonly JsonValue[] }
  | { readonly kind: 'tensors'; readonly values: ReadonlyMap<string, JsonValue> };
