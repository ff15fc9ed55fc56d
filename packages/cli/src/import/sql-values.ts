/** Values of rows, and rows grouped by owner. */
import type { SqlRow, SqlValue } from './sql-reader.ts';

export const placeholders = (values: readonly unknown[]) => `(${values.map(() => '?').join(', ')})`;
export const text = (value: SqlValue | undefined): string =>
  value === null || value === undefined ? '' : String(value);
export const number = (value: SqlValue | undefined): number =>
  value === null || value === undefined ? 0 : Number(value);
export const named = <Name extends string>(name: Name, value: SqlValue | undefined) =>
  (text(value) === '' ? {} : { [name]: text(value) }) as { readonly [N in Name]?: string };

/** SQLite stores booleans as numbers. */
export const truth = (value: SqlValue | undefined): boolean => value === true || Number(value ?? 0) === 1;

export function grouped(rows: readonly SqlRow[], by: string): Map<string, SqlRow[]> {
  const groups = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const name = text(row[by]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
