/**
 * Reads Arrow IPC files and streams: DuckDB cannot read them without an extension, so rows are converted to text, batch by
 * batch.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { DataType, Precision, RecordBatchReader, TimeUnit, type Vector } from 'apache-arrow';
import type { Column } from '../../contract.ts';
import type { ColumnType } from '../../model/column-type.ts';
import type { LiteralValue } from '../../model/query-tree.ts';
import { dataError } from './data-errors.ts';
import type { OpenedFile } from './source-files.ts';

/**
 * Writes the rows into `to` as lines of `{"c0": …}`. @throws QueryError `data_invalid` for a damaged file or an unsupported
 * type.
 */
export async function arrowLines(table: string, file: OpenedFile, to: string): Promise<readonly Column[]> {
  const location = { table, file: file.name };
  const output = createWriteStream(to);
  const done = finished(output);
  try {
    const reader = await RecordBatchReader.from(createReadStream(file.source.path));
    await reader.open();
    const columns = reader.schema.fields.map(({ name, type }): Column => {
      const converted = arrowType(type as DataType);
      if (converted !== undefined) return { name, type: converted };
      throw dataError(
        'unreadable',
        { ...location, column: name },
        `Its Arrow type (${String(type)}) is not supported.`,
        'Use another type, or write the file as Parquet.',
      );
    });
    for await (const batch of reader) {
      const vectors = columns.map((_, n) => batch.getChildAt(n));
      const lines: string[] = [];
      for (let row = 0; row < batch.numRows; row++) lines.push(lineOf(vectors, row));
      if (!output.write(lines.join(''))) await Promise.race([once(output, 'drain'), done]);
    }
    return columns;
  } catch (error) {
    if (error instanceof Error && error.name === 'QueryError') throw error;
    throw dataError(
      'unreadable',
      location,
      'It is not a complete Arrow file.',
      'Check that the upload was complete, or write the file again.',
    );
  } finally {
    output.end();
    await done;
  }
}

function lineOf(vectors: readonly (Vector | null)[], row: number): string {
  const cells = vectors.map((vector, n) => [
    `c${n}`,
    cellOf(vector?.get(row) as unknown, vector?.type as DataType | undefined),
  ]);
  return `${JSON.stringify(Object.fromEntries(cells))}\n`;
}

function arrowType(type: DataType): ColumnType | undefined {
  if (DataType.isDictionary(type)) return arrowType(type.dictionary as DataType);
  if (DataType.isBool(type)) return 'boolean';
  if (DataType.isInt(type)) return `${type.isSigned ? '' : 'u'}int${type.bitWidth}` as ColumnType;
  if (DataType.isFloat(type)) return type.precision === Precision.DOUBLE ? 'float64' : 'float32';
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return 'string';
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type)) return 'binary';
  if (DataType.isDecimal(type)) return `decimal(${type.precision},${type.scale})`;
  if (DataType.isDate(type)) return 'date';
  if (DataType.isTimestamp(type)) return 'timestamp';
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const inner = arrowType(type.children[0]?.type as DataType);
    return inner === undefined ? undefined : `list<${inner}>`;
  }
  return DataType.isNull(type) ? 'string' : undefined;
}

/** Nanoseconds of one unit. */
const UNITS: Readonly<Record<number, bigint>> = {
  [TimeUnit.SECOND]: 1_000_000_000n,
  [TimeUnit.MILLISECOND]: 1_000_000n,
  [TimeUnit.MICROSECOND]: 1000n,
  [TimeUnit.NANOSECOND]: 1n,
};

function cellOf(value: unknown, type: DataType | undefined): LiteralValue {
  if (value === null || value === undefined || type === undefined) return null;
  if (DataType.isDictionary(type)) return cellOf(value, type.dictionary as DataType);
  if (DataType.isDate(type)) return new Date(Number(value)).toISOString().slice(0, 10);
  if (DataType.isTimestamp(type)) return timestampText(value as number | bigint, type.unit);
  if (DataType.isDecimal(type)) return decimalText(value as Uint32Array, type.scale);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const inner = type.children[0]?.type as DataType;
    return [...(value as Iterable<unknown>)].map((each) => cellOf(each, inner));
  }
  return typeof value === 'string' ? value : numberText(value as number | bigint | boolean);
}

function numberText(value: number | bigint | boolean): string {
  return String(value);
}

/** `get` of a vector returns milliseconds as a number if they are integers, for any unit. */
function timestampText(value: number | bigint, unit: TimeUnit): string {
  const nanos = typeof value === 'bigint' ? value * (UNITS[unit] ?? 1n) : BigInt(Math.round(value * 1000)) * 1000n;
  const micros = nanos / 1000n;
  const within = ((micros % 1000n) + 1000n) % 1000n;
  return `${new Date(Number((micros - within) / 1000n)).toISOString().slice(0, -1)}${String(within).padStart(3, '0')}Z`;
}

/** Little-endian words of a two's complement. */
function decimalText(words: Uint32Array, scale: number): string {
  let whole = 0n;
  for (const [n, word] of words.entries()) whole |= BigInt(word) << BigInt(32 * n);
  const bits = BigInt(words.length * 32);
  if (whole >> (bits - 1n) === 1n) whole -= 1n << bits;
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return whole < 0n ? `-${text}` : text;
}
