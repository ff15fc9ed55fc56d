/** Quotes names and values for SQL, so that none is interpreted as SQL. */
import { QueryError } from '../../model/query-error.ts';

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function textList(values: readonly string[]): string {
  return `[${values.map(text).join(', ')}]`;
}

/** @throws QueryError `query_invalid` for a value that is not a non-negative integer. */
export function count(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new QueryError('query_invalid', `${value} is not a non-negative integer.`);
  }
  return String(value);
}
