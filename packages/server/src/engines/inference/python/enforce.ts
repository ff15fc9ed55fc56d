/**
 * Enforces the signature like MLflow (mlflow/models/utils.py) before the batch reaches Python, so that an error names the
 * column and costs no batch. Columns are tensors of shape [n]; columns that are not in the signature are dropped, like in
 * MLflow.
 */
import { DaisError } from '@dais/api';
import { halfToNumber } from '#lib/formats/half-float.ts';
import type { Datatype, Tensor, TensorSpec } from '../contract.ts';
import { arrayTypeOf, checkInputs, checkTensor, elementsOf, rejectInput } from '../tensors.ts';
import type { Column, ColumnKind, SignatureInputs } from './signature.ts';

/** Kind and size of numpy. */
const WIDTHS: Readonly<
  Record<Exclude<Datatype, 'BYTES' | 'BF16'>, readonly [kind: 'b' | 'u' | 'i' | 'f', bytes: number]>
> = {
  BOOL: ['b', 1],
  UINT8: ['u', 1],
  UINT16: ['u', 2],
  UINT32: ['u', 4],
  UINT64: ['u', 8],
  INT8: ['i', 1],
  INT16: ['i', 2],
  INT32: ['i', 4],
  INT64: ['i', 8],
  FP16: ['f', 2],
  FP32: ['f', 4],
  FP64: ['f', 8],
};
const TARGETS: Readonly<Record<Exclude<ColumnKind, 'string' | 'binary' | 'datetime' | 'json'>, keyof typeof WIDTHS>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
};

/** ISO 8601, as accepted by pandas. */
const MOMENT = /^\d{4}-\d{2}(-\d{2}([T ]\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)?)?)?$/;

/** Returns the inputs for Python. @throws DaisError `invalid_request` that names the column */
export function enforce(
  given: readonly Tensor[],
  signature: SignatureInputs,
  specs: readonly TensorSpec[],
): readonly Tensor[] {
  if (signature.form === 'columns') return columns(given, signature.columns);
  for (const { name, datatype } of given) {
    if (datatype === 'BF16') rejectInput(name, 'it has the datatype BF16, which numpy does not support.');
  }
  if (signature.form === 'open') {
    for (const tensor of given) checkTensor(tensor);
    if (given.length === 0) throw new DaisError('invalid_request', 'The request has no input.');
    return given;
  }
  const [only] = given;
  const named = signature.form === 'tensor' && given.length === 1 ? [{ ...only!, name: specs[0]!.name }] : given;
  checkInputs(named, specs);
  return named;
}

function columns(given: readonly Tensor[], expected: readonly Column[]): readonly Tensor[] {
  const found = new Map<string, Tensor>();
  for (const tensor of split(given, expected)) {
    checkTensor(tensor);
    if (found.has(tensor.name)) rejectInput(tensor.name, 'it is listed twice.');
    found.set(tensor.name, tensor);
  }
  const missing = expected.filter(({ name, isOptional }) => !isOptional && !found.has(name));
  if (missing.length > 0) {
    const names = missing.map(({ name }) => `\`${name}\``).join(', ');
    throw new DaisError('invalid_request', `The model is missing inputs: ${names}.`, {
      issues: missing.map(({ name, kind }) => ({ path: name, message: 'The column is missing.', expected: kind })),
    });
  }
  const result = expected.flatMap((column) => {
    const tensor = found.get(column.name);
    return tensor === undefined ? [] : [convert(flat(tensor, column), column)];
  });
  const rows = result[0]?.data.length ?? 0;
  const odd = result.find(({ data }) => data.length !== rows);
  if (odd !== undefined)
    rejectInput(odd.name, `it has ${odd.data.length} rows, but \`${result[0]!.name}\` has ${rows}.`);
  return result;
}

/** Splits one matrix into all columns, by position. */
function split(given: readonly Tensor[], expected: readonly Column[]): readonly Tensor[] {
  const [only] = given;
  if (given.length !== 1 || only === undefined || only.shape.length !== 2 || only.shape[1] !== expected.length)
    return given;
  if (expected.some(({ name }) => name === only.name) && expected.length === 1) return given;
  checkTensor(only);
  const [rows = 0, width = 0] = only.shape;
  return expected.map(({ name }, at): Tensor => {
    const pick = (row: number) => row * width + at;
    const nulls =
      only.nulls === undefined ? {} : { nulls: Uint8Array.from({ length: rows }, (_, row) => only.nulls![pick(row)]!) };
    if (only.datatype === 'BYTES') {
      const data = Array.from({ length: rows }, (_, row) => (only.data as readonly Buffer[])[pick(row)]!);
      return { name, datatype: 'BYTES', shape: [rows], data, ...nulls };
    }
    const data = new (arrayTypeOf(only.datatype))(rows);
    for (let row = 0; row < rows; row++) data[row] = only.data[pick(row)] as never;
    return { name, datatype: only.datatype, shape: [rows], data, ...nulls };
  });
}

function flat(tensor: Tensor, { name }: Column): Tensor {
  const { shape } = tensor;
  if (shape.length === 1) return tensor;
  if (shape.length === 2 && shape[1] === 1) return { ...tensor, shape: [elementsOf(shape)] };
  return rejectInput(
    name,
    `it must be a column with one value per row, but has the shape [${shape.join(', ')}].`,
    '[-1]',
  );
}

function convert(tensor: Tensor, column: Column): Tensor {
  const { kind } = column;
  switch (kind) {
    case 'string':
    case 'binary':
    case 'datetime':
    case 'json':
      if (tensor.datatype !== 'BYTES') mismatch(tensor, column);
      checkTexts(tensor, kind);
      return tensor;
    case 'boolean':
      if (tensor.datatype !== 'BOOL') mismatch(tensor, column);
      return tensor;
    default:
      return number(tensor, column, TARGETS[kind]);
  }
}

function number(tensor: Tensor, column: Column, target: keyof typeof WIDTHS): Tensor {
  const { name, datatype, data, nulls } = tensor;
  if (datatype === 'BYTES' || datatype === 'BF16') return mismatch(tensor, column);
  const isReal = target === 'FP32' || target === 'FP64';
  const lost = nulls?.indexOf(1) ?? -1;
  if (lost >= 0 && !isReal) {
    rejectInput(
      name,
      `row ${lost} has no value, but a column of type ${column.kind} requires one. ${MISSING_HINT}`,
      column.kind,
    );
  }
  if (datatype === target && lost < 0) return tensor;
  if (
    datatype !== target &&
    !widens(datatype, target) &&
    !(datatype === 'INT64' && isReal && isZeroOrOne(data as BigInt64Array))
  ) {
    mismatch(tensor, column);
  }
  const wide = new (arrayTypeOf(target))(data.length);
  for (let index = 0; index < data.length; index++) {
    const value = datatype === 'FP16' ? halfToNumber(data[index] as number) : data[index];
    wide[index] = (
      wide instanceof BigInt64Array ? BigInt(value as number) : nulls?.[index] === 1 ? Number.NaN : Number(value)
    ) as never;
  }
  return { name, datatype: target, shape: tensor.shape, data: wide };
}

const MISSING_HINT =
  'Integer columns in Python cannot represent missing values: declare such a column as double in the signature.';

function mismatch(tensor: Tensor, { name, kind }: Column): never {
  const isIntegerWithHoles =
    (kind === 'integer' || kind === 'long') &&
    tensor.datatype === 'FP64' &&
    (tensor.data as Float64Array).some(Number.isNaN) &&
    (tensor.data as Float64Array).every((value) => Number.isNaN(value) || Number.isInteger(value));
  const hint = isIntegerWithHoles ? ` The mismatch likely comes from missing values. ${MISSING_HINT}` : '';
  return rejectInput(
    name,
    `it has the datatype ${tensor.datatype}, which cannot safely be converted to ${kind}.${hint}`,
    kind,
  );
}

/** The rules of `_enforce_mlflow_datatype`. */
function widens(from: keyof typeof WIDTHS, to: keyof typeof WIDTHS): boolean {
  const [fromKind, fromBytes] = WIDTHS[from];
  const [toKind, toBytes] = WIDTHS[to];
  if (fromKind === toKind) return fromBytes <= toBytes;
  if (fromKind === 'u' && toKind === 'i') return fromBytes < toBytes;
  return (fromKind === 'i' || fromKind === 'u') && to === 'FP64' && fromBytes <= 6;
}

function isZeroOrOne(data: BigInt64Array): boolean {
  return data.every((value) => value === 0n || value === 1n);
}

function checkTexts({ name, data, nulls }: Tensor, kind: ColumnKind): void {
  (data as readonly Buffer[]).forEach((value, row) => {
    if (kind === 'binary' || nulls?.[row] === 1) return;
    const text = value.toString('utf8');
    if (text.includes('\uFFFD') && !Buffer.from(text, 'utf8').equals(value))
      rejectInput(name, `row ${row} is not UTF-8.`);
    if (kind === 'datetime' && !(MOMENT.test(text) && isMoment(text))) {
      rejectInput(
        name,
        `row ${row} is ${JSON.stringify(text.slice(0, 60))}, which is not an ISO 8601 date and time.`,
        kind,
      );
    }
    if (kind === 'json' && !isJson(text)) rejectInput(name, `row ${row} is not JSON.`, kind);
  });
}

function isMoment(text: string): boolean {
  const [year = 0, month = 1, day = 1] = text.slice(0, 10).split('-').map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
