/** Text of SQL from names and values: quoted, so that no name and no value can be anything else. */
import { QueryError } from '../model/query-error.ts';

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function textList(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

/** @throws QueryError `query_invalid` for what is no whole number from 0 up. */
export function count(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new QueryError('query_invalid', `${value} is not a non-negative integer.`);
  }
  return String(value);
}
