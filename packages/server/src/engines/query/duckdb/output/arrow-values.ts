/** Converts columns of DuckDB to Arrow without text, so that nothing is rounded. Pure. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBDecimalType,
  DuckDBStructType,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimeValue,
  DuckDBTypeId,
  type DuckDBType,
} from '@duckdb/node-api';
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  makeData,
  Map_,
  Struct,
  TimeMicrosecond,
  TimestampMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  type Data,
} from 'apache-arrow';

const PLAIN: Readonly<Record<number, () => DataType>> = {
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.BLOB]: () => new Binary(),
  [DuckDBTypeId.DATE]: () => new DateDay(),
  [DuckDBTypeId.TIME]: () => new TimeMicrosecond(),
  [DuckDBTypeId.TIMESTAMP_TZ]: () => new TimestampMicrosecond('UTC'),
};

export function arrowField(name: string, type: DuckDBType | undefined, nullable = true): Field {
  return new Field(name, typeOf(type), nullable);
}

/** All other types are text. */
function typeOf(type: DuckDBType | undefined): DataType {
  if (type instanceof DuckDBDecimalType) return new Decimal(type.scale, type.width, 128);
  if (type instanceof DuckDBListType) return new List(arrowField('item', type.valueType));
  if (type instanceof DuckDBStructType) {
    return new Struct(type.entryNames.map((name, n) => arrowField(name, type.entryTypes[n])));
  }
  if (type instanceof DuckDBMapType) {
    const entries = new Struct<{ key: DataType; value: DataType }>([
      arrowField('key', type.keyType, false),
      arrowField('value', type.valueType),
    ]);
    return new Map_(new Field('entries', entries, false));
  }
  return (type === undefined ? undefined : PLAIN[type.typeId]?.()) ?? new Utf8();
}

export function arrowData(type: DataType, values: readonly unknown[]): Data {
  const length = values.length;
  const { nullCount, nullBitmap } = nulls(values);
  const common = { length, nullCount, nullBitmap };
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const pieces = values.map((value) => bytesOf(value));
    const valueOffsets = offsets(pieces.map((piece) => piece.length));
    const data = new Uint8Array(Buffer.concat(pieces));
    return DataType.isUtf8(type)
      ? makeData({ type, ...common, valueOffsets, data })
      : makeData({ type, ...common, valueOffsets, data });
  }
  if (DataType.isBool(type)) return makeData({ type, ...common, data: bits(values.map((value) => value === true)) });
  if (DataType.isList(type)) {
    const items = values.map((value) => (value instanceof DuckDBListValue ? value.items : []));
    const child = arrowData((type.children[0] as Field).type as DataType, items.flat());
    return makeData({ type, ...common, valueOffsets: offsets(items.map((each) => each.length)), child });
  }
  if (DataType.isMap(type)) {
    const items = values.map((value) => (value instanceof DuckDBMapValue ? value.entries : []));
    const entries = (type.children[0] as Field).type as Struct;
    const of = (n: number, part: 'key' | 'value') =>
      arrowData(
        (entries.children[n] as Field).type as DataType,
        items.flat().map((each) => each[part]),
      );
    const count = items.flat().length;
    const child = makeData({ type: entries, length: count, nullCount: 0, children: [of(0, 'key'), of(1, 'value')] });
    return makeData({ type, ...common, valueOffsets: offsets(items.map((each) => each.length)), child });
  }
  if (DataType.isStruct(type)) {
    const children = type.children.map(({ name, type: inner }) =>
      arrowData(
        inner as DataType,
        values.map((value) => (value instanceof DuckDBStructValue ? (value.entries[name] ?? null) : null)),
      ),
    );
    return makeData({ type, ...common, children });
  }
  if (DataType.isDecimal(type)) return makeData({ type, ...common, data: decimals(values) });
  return fixed(type, values, common);
}

interface Common {
  readonly length: number;
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array;
}

/** Types of fixed width. */
function fixed(type: DataType, values: readonly unknown[], common: Common): Data {
  const data = new (type.ArrayType as new (length: number) => Uint8Array | BigInt64Array)(common.length);
  for (const [n, value] of values.entries()) if (value !== null) data[n] = plainOf(value) as never;
  return makeData({ type, ...common, data } as never);
}

function plainOf(value: unknown): unknown {
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBTimeValue || value instanceof DuckDBTimestampTZValue) return value.micros;
  return value;
}

function bytesOf(value: unknown): Uint8Array {
  if (value === null) return new Uint8Array(0);
  if (value instanceof DuckDBBlobValue) return value.bytes;
  // The query was cast to the types of the contract: text stays text.
  if (typeof value !== 'string') throw new Error(`${typeof value} is not text`);
  return Buffer.from(value, 'utf8');
}

function nulls(values: readonly unknown[]): Pick<Common, 'nullCount' | 'nullBitmap'> {
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0);
  return { nullCount, nullBitmap: nullCount === 0 ? new Uint8Array(0) : bits(values.map((value) => value !== null)) };
}

function bits(values: readonly boolean[]): Uint8Array {
  const found = new Uint8Array(Math.ceil(values.length / 8));
  for (const [n, value] of values.entries()) if (value) found[n >> 3] = (found[n >> 3] ?? 0) | (1 << (n & 7));
  return found;
}

function offsets(lengths: readonly number[]): Int32Array {
  const found = new Int32Array(lengths.length + 1);
  for (const [n, each] of lengths.entries()) found[n + 1] = (found[n] ?? 0) + each;
  return found;
}

/** Two's complement, four words each, the lowest first. */
function decimals(values: readonly unknown[]): Uint32Array {
  const found = new Uint32Array(values.length * 4);
  for (const [n, value] of values.entries()) {
    if (!(value instanceof DuckDBDecimalValue)) continue;
    for (let word = 0; word < 4; word += 1) {
      found[n * 4 + word] = Number(BigInt.asUintN(32, value.value >> BigInt(32 * word)));
    }
  }
  return found;
}
