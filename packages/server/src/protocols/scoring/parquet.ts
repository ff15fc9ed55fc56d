/** Reads a table in Parquet, as pandas writes with `to_parquet`. Loaded only on the thread for long bodies. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import { parquetMetadata, parquetRead, type FileMetaData } from 'hyparquet';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import type { ScoringBody } from './frame.ts';

/** Values of one request. A few KB can declare many millions. */
const MOST_VALUES = 20_000_000;
/** Decompressed size as declared by the pages. */
const MOST_BYTES = 512 * 1024 * 1024;

export async function readParquet(body: Buffer): Promise<ScoringBody> {
  const file = copied(body);
  const metadata = metadataOf(file);
  checkSize(metadata);
  const hidden = indexColumns(metadata);
  const names = metadata.schema.filter(isTop(metadata)).map(({ name }) => name);
  const rows = Number(metadata.num_rows);
  const columns = new Map<string, JsonValue[]>();
  for (const name of names)
    if (!hidden.has(name))
      columns.set(
        name,
        Array.from({ length: rows }, () => null),
      );
  try {
    await parquetRead({
      file,
      metadata,
      columns: [...columns.keys()],
      compressors: { GZIP: unpack(gunzipSync), BROTLI: unpack(brotliDecompressSync) },
      utf8: false,
      geoparquet: false,
      parsers: {
        timestampFromMilliseconds: (millis: bigint) => moment(millis * 1_000_000n),
        timestampFromMicroseconds: (micros: bigint) => moment(micros * 1000n),
        timestampFromNanoseconds: moment,
        dateFromDays: (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10),
      },
      onChunk: ({ columnName, columnData, rowStart }) => {
        const column = columns.get(columnName);
        if (column === undefined) return;
        for (let at = 0; at < columnData.length && rowStart + at < rows; at++) {
          column[rowStart + at] = valueOf(columnData[at]);
        }
      },
    });
  } catch (error) {
    throw unreadable(error);
  }
  return { given: { kind: 'table', columns, rows }, params: {} };
}

function copied(body: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = body;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function metadataOf(file: ArrayBuffer): FileMetaData {
  try {
    return parquetMetadata(file, { geoparquet: false });
  } catch (error) {
    throw unreadable(error);
  }
}

function checkSize({ num_rows: rows, row_groups: groups, schema }: FileMetaData): void {
  let bytes = 0;
  let counted = 0n;
  for (const { columns, num_rows: some } of groups) {
    counted += some;
    for (const { meta_data: reported } of columns) bytes += Number(reported?.total_uncompressed_size ?? 0);
  }
  if (rows < 0n || counted !== rows)
    throw unreadable(new Error('the row counts of its row groups do not match its metadata'));
  const values = Number(rows) * Math.max(1, schema.length - 1);
  if (values > MOST_VALUES || bytes > MOST_BYTES || bytes < 0) {
    throw new DaisError(
      'too_large',
      `The Parquet file has ${values} values and ${bytes} bytes decompressed; the limits are ${MOST_VALUES} values and ${MOST_BYTES} bytes. Split the request.`,
    );
  }
}

/** The row index of pandas is not a column. */
function indexColumns({ key_value_metadata: pairs = [] }: FileMetaData): ReadonlySet<string> {
  const text = pairs.find(({ key }) => key === 'pandas')?.value;
  try {
    const { index_columns: names } = JSON.parse(text ?? '{}') as { index_columns?: unknown };
    return new Set(Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []);
  } catch {
    return new Set();
  }
}

/** The schema elements are a tree in preorder; top-level elements are columns. */
function isTop({ schema }: FileMetaData): (element: unknown, position: number) => boolean {
  const tops = new Set<number>();
  for (let position = 1; position < schema.length; position = after(schema, position)) tops.add(position);
  return (_, position) => tops.has(position);
}

function after(schema: FileMetaData['schema'], position: number): number {
  let next = position + 1;
  for (let child = 0; child < (schema[position]?.num_children ?? 0) && next < schema.length; child++) {
    next = after(schema, next);
  }
  return next;
}

function unpack(by: (input: Uint8Array, options: { maxOutputLength: number }) => Buffer) {
  return (input: Uint8Array, length: number): Uint8Array => {
    if (length > MOST_BYTES) throw new Error('a page is too large');
    return new Uint8Array(by(input, { maxOutputLength: Math.max(1, length) }));
  };
}

/** ISO 8601, up to nanoseconds if present. */
function moment(nanos: bigint): string {
  const whole = new Date(Number(nanos / 1_000_000n) - (nanos % 1_000_000n < 0n ? 1 : 0));
  if (Number.isNaN(whole.getTime())) throw new Error('a date is out of range');
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const text = whole.toISOString().slice(0, -1);
  return rest === 0n ? text : `${text}${String(rest).padStart(6, '0')}`;
}

function valueOf(value: unknown): JsonValue {
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return value;
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    case 'object':
      if (value === null) return null;
      // As in JSON.
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
      if (Array.isArray(value)) return value.map(valueOf);
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, valueOf(one)]));
    default:
      return null;
  }
}

function unreadable(error: unknown): DaisError {
  const why = error instanceof Error ? error.message : String(error);
  return new DaisError('unreadable_body', `The body is not a readable Parquet file: ${why.slice(0, 300)}.`, {
    cause: error,
  });
}
