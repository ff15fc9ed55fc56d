/** Converts records to a table: a row for each row of a request, a column for each tensor. Pure. */
import type { Datatype } from '#engines/inference/contract.ts';
import type { Column } from '#engines/query/contract.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import { bfloatToNumber, halfToNumber } from '#lib/formats/half-float.ts';
import type { StoredPrediction, StoredTensor } from './segment-format.ts';

/** Tensors with more elements per row, such as images, have no column. */
const MOST_ELEMENTS = 65_536;
/** Most tensors of one endpoint and hour that become columns. */
const MOST_TENSORS = 500;

/** The columns of every file, first. */
export const FIXED_COLUMNS: readonly Column[] = [
  { name: 'prediction_id', type: 'string' },
  { name: 'row', type: 'int32' },
  { name: 'predicted_at', type: 'timestamp' },
  { name: 'endpoint', type: 'string' },
  { name: 'variant', type: 'string' },
  { name: 'model', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'protocol', type: 'string' },
  { name: 'status', type: 'int32' },
  { name: 'latency_us', type: 'int64' },
  { name: 'principal', type: 'string' },
  { name: 'request_id', type: 'string' },
  { name: 'trace_id', type: 'string' },
  { name: 'shadow_of', type: 'string' },
  { name: 'error', type: 'string' },
  { name: 'parameters', type: 'string' },
  // True if the tensors were too large to capture.
  { name: 'cut', type: 'boolean' },
  { name: 'erased', type: 'boolean' },
];

/** Fixed columns that identify the caller: erased with the values of a row. */
export const PERSONAL_COLUMNS: readonly string[] = ['principal', 'request_id', 'parameters', 'error'];

/** Whether a column contains an input or output of the model. */
export function isTensorColumn(name: string): boolean {
  return name.startsWith('in_') || name.startsWith('out_');
}

export interface PredictionTable {
  readonly columns: readonly Column[];
  readonly rows: number;
  /** Yields JSON lines, one per row, in the order of the records. */
  lines(): IterableIterator<string>;
}

const SCALARS: Readonly<Record<Datatype, ColumnType>> = {
  BOOL: 'boolean',
  UINT8: 'int64',
  UINT16: 'int64',
  UINT32: 'int64',
  UINT64: 'decimal(38,0)',
  INT8: 'int64',
  INT16: 'int64',
  INT32: 'int64',
  INT64: 'int64',
  FP16: 'float64',
  BF16: 'float64',
  FP32: 'float64',
  FP64: 'float64',
  BYTES: 'string',
};

interface Placed {
  readonly column: string;
  readonly perRow: number;
  readonly cells: (row: number) => string;
}

export function predictionTable(records: readonly StoredPrediction[]): PredictionTable {
  const types = new Map<string, ColumnType>();
  // SQL column names are case-insensitive.
  const byCase = new Map<string, string>();
  let rows = 0;
  for (const record of records) {
    const count = rowsOf(record);
    rows += count;
    for (const [tensor, side] of tensorsOf(record)) {
      const type = typeOf(tensor, count);
      if (type === undefined) continue;
      const name = columnName(side, tensor.name, byCase);
      const known = types.get(name);
      if (known === undefined && types.size >= MOST_TENSORS) continue;
      types.set(name, known === undefined ? type : widest(known, type));
    }
  }
  const own = [...types].map(([name, type]) => ({ name, type })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    columns: [...FIXED_COLUMNS, ...own],
    rows,
    lines: function* () {
      for (const record of records) yield* linesOf(record, types, byCase);
    },
  };
}

/** Number of rows: the first dimension if it is the same for all inputs. */
function rowsOf({ inputs, outputs }: StoredPrediction): number {
  const [first, ...rest] = (inputs.length > 0 ? inputs : outputs).map(({ shape }) => shape[0] ?? 1);
  return first === undefined || first < 1 || rest.some((size) => size !== first) ? 1 : first;
}

function* tensorsOf({ inputs, outputs }: StoredPrediction): IterableIterator<readonly [StoredTensor, 'in' | 'out']> {
  for (const one of inputs) yield [one, 'in'];
  for (const one of outputs) yield [one, 'out'];
}

function columnName(side: string, name: string, byCase: Map<string, string>): string {
  const preferredName = `${side}_${name}`.slice(0, 200);
  const lower = preferredName.toLowerCase();
  const known = byCase.get(lower);
  if (known === undefined) byCase.set(lower, preferredName);
  return known ?? preferredName;
}

function elementsOf({ shape }: StoredTensor): number {
  return shape.reduce((product, size) => product * size, 1);
}

function perRow(tensor: StoredTensor, rows: number): number {
  const elements = elementsOf(tensor);
  return tensor.shape[0] === rows && elements % rows === 0 ? elements / rows : elements;
}

function typeOf(tensor: StoredTensor, rows: number): ColumnType | undefined {
  const scalar = SCALARS[tensor.datatype];
  const each = perRow(tensor, rows);
  if (each > MOST_ELEMENTS) return undefined;
  return each === 1 ? scalar : `list<${scalar}>`;
}

/** Returns a type that fits both: versions of a model may have different input types. */
function widest(a: ColumnType, b: ColumnType): ColumnType {
  if (a === b) return a;
  const numbers = (type: string) => type === 'int64' || type === 'float64' || type.startsWith('decimal');
  if (numbers(a) && numbers(b)) return 'float64';
  return 'string';
}

function* linesOf(
  record: StoredPrediction,
  types: ReadonlyMap<string, ColumnType>,
  byCase: Map<string, string>,
): IterableIterator<string> {
  const rows = rowsOf(record);
  let large = record.cut;
  const placed: Placed[] = [];
  for (const [tensor, side] of tensorsOf(record)) {
    const column = columnName(side, tensor.name, byCase);
    const type = types.get(column);
    const each = perRow(tensor, rows);
    if (type === undefined || each > MOST_ELEMENTS) {
      large = true;
      continue;
    }
    const element = elementReader(tensor);
    const cells = (row: number): string => {
      const split = tensor.shape[0] === rows && elementsOf(tensor) === each * rows;
      if (!split && row > 0) return 'null';
      const start = split ? row * each : 0;
      if (type === 'string' && SCALARS[tensor.datatype] !== 'string')
        return JSON.stringify(listOf(element, start, each));
      if (type === 'string' && each !== 1) return JSON.stringify(listOf(element, start, each));
      return each === 1 && !type.startsWith('list<') ? element(start) : listOf(element, start, each);
    };
    placed.push({ column, perRow: each, cells });
  }
  const fixed = JSON.stringify({
    prediction_id: record.id,
    endpoint: record.endpoint,
    predicted_at: new Date(record.at).toISOString(),
    variant: record.variant,
    model: record.model === '' ? null : record.model,
    version: record.version === '' ? null : record.version,
    protocol: record.protocol,
    status: record.status,
    latency_us: Math.round(record.latencyMicros),
    principal: record.principal,
    request_id: record.callerId ?? record.requestId,
    trace_id: record.traceparent?.split('-')[1] ?? null,
    shadow_of: record.shadowOf ?? null,
    error: record.error ?? null,
    parameters: Object.keys(record.parameters).length === 0 ? null : JSON.stringify(record.parameters),
    cut: large,
    erased: false,
  }).slice(0, -1);
  for (let row = 0; row < rows; row++) {
    const own = placed.map(({ column, cells }) => `,${JSON.stringify(column)}:${cells(row)}`).join('');
    yield `${fixed},"row":${row}${own}}`;
  }
}

function listOf(element: (index: number) => string, start: number, count: number): string {
  const cells: string[] = [];
  for (let index = start; index < start + count; index++) cells.push(element(index));
  return `[${cells.join(',')}]`;
}

/** Returns a function from an element index to JSON. */
function elementReader({ datatype, bytes, nulls }: StoredTensor): (index: number) => string {
  const read = readerOf(datatype, bytes);
  return nulls === undefined ? read : (index) => (nulls[index] === 1 ? 'null' : read(index));
}

function readerOf(datatype: Datatype, bytes: Buffer): (index: number) => string {
  const float = (value: number) => (Number.isFinite(value) ? String(value) : `"${value}"`);
  switch (datatype) {
    case 'BOOL':
      return (index) => (bytes[index] === 0 ? 'false' : 'true');
    case 'UINT8':
      return (index) => String(bytes.readUInt8(index));
    case 'UINT16':
      return (index) => String(bytes.readUInt16LE(index * 2));
    case 'UINT32':
      return (index) => String(bytes.readUInt32LE(index * 4));
    case 'UINT64':
      return (index) => String(bytes.readBigUInt64LE(index * 8));
    case 'INT8':
      return (index) => String(bytes.readInt8(index));
    case 'INT16':
      return (index) => String(bytes.readInt16LE(index * 2));
    case 'INT32':
      return (index) => String(bytes.readInt32LE(index * 4));
    case 'INT64':
      return (index) => String(bytes.readBigInt64LE(index * 8));
    case 'FP16':
      return (index) => float(halfToNumber(bytes.readUInt16LE(index * 2)));
    case 'BF16':
      return (index) => float(bfloatToNumber(bytes.readUInt16LE(index * 2)));
    case 'FP32':
      // The shortest decimal of the float32, instead of the digits of its double.
      return (index) => float(Number(bytes.readFloatLE(index * 4).toPrecision(9)));
    case 'FP64':
      return (index) => float(bytes.readDoubleLE(index * 8));
    default:
      return textReader(bytes);
  }
}

/** Returns text unchanged, and other bytes as base64 after `base64:`. */
function textReader(bytes: Buffer): (index: number) => string {
  const starts: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt32LE(at)) starts.push(at);
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return (index) => {
    const at = starts[index];
    if (at === undefined) return 'null';
    const value = bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at));
    try {
      return JSON.stringify(utf8.decode(value));
    } catch {
      return JSON.stringify(`base64:${value.toString('base64')}`);
    }
  };
}
