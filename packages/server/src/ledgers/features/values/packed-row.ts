/**
 * A compact encoding of the values of one entity: the number of the schema, a bit for each column with a value, then the
 * values. Fifty float64 take 410 bytes, and 1 µs to unpack.
 */
import { elementType, type ScalarType, type ValueType } from '@dais/api/data';
import { ByteReader, ByteWriter } from './bytes.ts';
import { floatValue, numberOf, wholeNumber, type Value } from './cells.ts';
import { formatCell, parseMoment } from './moment.ts';

export interface PackedColumn {
  readonly name: string;
  readonly type: ValueType;
}

const writer = new ByteWriter();

/** Packs a row. `values`: as `readValue` returns them, one per column. */
export function packRow(schemaId: number, columns: readonly PackedColumn[], values: readonly Value[]): Buffer {
  writer.varint(schemaId);
  const present = writer.zeros((columns.length + 7) >> 3);
  for (const [at, { type }] of columns.entries()) {
    const value = values[at] ?? null;
    if (value === null) continue;
    writer.setBit(present, at);
    writeValue(type, value);
  }
  return writer.take();
}

function writeValue(type: ValueType, value: Value): void {
  const element = elementType(type);
  if (element === undefined) {
    writeScalar(type as ScalarType, value);
    return;
  }
  const list = value as readonly Value[];
  writer.varint(list.length);
  const present = writer.zeros((list.length + 7) >> 3);
  for (const [at, one] of list.entries()) {
    if (one === null) continue;
    writer.setBit(present, at);
    writeScalar(element, one);
  }
}

function writeScalar(type: ScalarType, value: Value): void {
  switch (type) {
    case 'boolean':
      return writer.byte(value === true ? 1 : 0);
    case 'int32':
      return writer.int32(value as number);
    case 'int64':
      return writer.int64(BigInt(value as number | string));
    case 'float32':
      return writer.float32(numberOf(value as number | string));
    case 'float64':
      return writer.float64(numberOf(value as number | string));
    case 'string':
      return writer.text(value as string, 'utf8');
    case 'binary':
      return writer.text(value as string, 'base64');
    case 'timestamp':
      return writer.int64(BigInt(parseMoment(value as string) ?? 0));
    case 'json':
      return writer.text(JSON.stringify(value), 'utf8');
  }
}

/** Returns the number of the schema of a packed row. */
export function schemaOf(packed: Buffer): number {
  return new ByteReader(packed).varint();
}

/** Unpacks a row: one value per column of its schema. */
export function unpackRow(columns: readonly PackedColumn[], packed: Buffer): Value[] {
  const reader = new ByteReader(packed);
  reader.varint();
  const present = reader.bits((columns.length + 7) >> 3);
  return columns.map(({ type }, at) => (reader.bit(present, at) ? readValue(reader, type) : null));
}

function readValue(reader: ByteReader, type: ValueType): Value {
  const element = elementTypeOf(type);
  if (element === undefined) return readScalar(reader, type as ScalarType);
  const length = reader.varint();
  const present = reader.bits((length + 7) >> 3);
  return Array.from({ length }, (_, at) => (reader.bit(present, at) ? readScalar(reader, element) : null));
}

const elements = new Map<ValueType, ScalarType | undefined>();

function elementTypeOf(type: ValueType): ScalarType | undefined {
  if (!elements.has(type)) elements.set(type, elementType(type));
  return elements.get(type);
}

function readScalar(reader: ByteReader, type: ScalarType): Value {
  switch (type) {
    case 'boolean':
      return reader.byte() === 1;
    case 'int32':
      return reader.int32();
    case 'int64':
      return wholeNumber(reader.int64());
    case 'float32':
      return floatValue(reader.float32());
    case 'float64':
      return floatValue(reader.float64());
    case 'string':
      return reader.text('utf8');
    case 'binary':
      return reader.text('base64');
    case 'timestamp':
      return formatCell(Number(reader.int64()));
    default:
      return JSON.parse(reader.text('utf8')) as Value;
  }
}
