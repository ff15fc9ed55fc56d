/** Converts DuckDB values to cells of the contract. */
import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import type { Cell } from '../../contract.ts';

/** Range of a JavaScript Date, in microseconds. */
const DATE_RANGE_US = 8_640_000_000_000_000_000n;

export function cellOf(value: DuckDBValue): Cell {
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return integerCell(value);
    default:
      return value === null ? null : objectCell(value);
  }
}

function integerCell(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function objectCell(value: Exclude<DuckDBValue, null | boolean | string | number | bigint>): Cell {
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue)
    return timestampCell(value.micros);
  if (value instanceof DuckDBTimestampSecondsValue) return timestampCell(value.seconds * 1_000_000n);
  if (value instanceof DuckDBTimestampMillisecondsValue) return timestampCell(value.millis * 1000n);
  if (value instanceof DuckDBTimestampNanosecondsValue) return timestampCell(value.nanos / 1000n);
  if (value instanceof DuckDBDateValue)
    return value.isFinite ? value.toString() : value.days > 0 ? 'Infinity' : '-Infinity';
  if (value instanceof DuckDBTimeValue) return timeCell(value.micros);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('base64');
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(cellOf);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, each]) => [name, cellOf(each)]));
  }
  if (value instanceof DuckDBMapValue) return value.entries.map(({ key, value: each }) => [cellOf(key), cellOf(each)]);
  if (value instanceof DuckDBUnionValue) return cellOf(value.value);
  return String(value);
}

function timestampCell(micros: bigint): string {
  if (micros >= 9_223_372_036_854_775_806n) return 'Infinity';
  if (micros <= -9_223_372_036_854_775_806n) return '-Infinity';
  if (micros > DATE_RANGE_US || micros < -DATE_RANGE_US) return String(new DuckDBTimestampValue(micros));
  const within = ((micros % 1000n) + 1000n) % 1000n;
  const iso = new Date(Number((micros - within) / 1000n)).toISOString();
  return `${iso.slice(0, -1)}${String(within).padStart(3, '0')}Z`;
}

function timeCell(micros: bigint): string {
  const digits = (value: bigint, count: number) => String(value).padStart(count, '0');
  const seconds = micros / 1_000_000n;
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) => digits(part, 2)).join(':');
  return `${clock}.${digits(micros % 1_000_000n, 6)}`;
}
