/** Selected columns of a list, as its URL encodes them. */
import type { KindSpec } from '@dais/api';

/** Columns of every kind, in addition to its own. */
const COMMON = [
  { id: 'labels', title: 'Labels' },
  { id: 'changed', title: 'Updated' },
  { id: 'age', title: 'Created' },
] as const;

export interface ColumnName {
  readonly id: string;
  readonly title: string;
}

/** Returns the columns that can be selected: all except the name, which is always shown. */
export function columnNames(kind: KindSpec): readonly ColumnName[] {
  return [...kind.columns.map(({ path, title }) => ({ id: path, title })), ...COMMON];
}

/** `text`: comma-separated ids, or `all`; empty: the default columns. Unknown ids are ignored. */
export function readColumns(kind: KindSpec, text: string): ReadonlySet<string> {
  const ids = columnNames(kind).map(({ id }) => id);
  if (text === 'all') return new Set(ids);
  if (text === '') {
    const wide = new Set(kind.columns.filter((column) => column.wide === true).map(({ path }) => path));
    return new Set(ids.filter((id) => !wide.has(id)));
  }
  const names = text.split(',');
  return new Set(ids.filter((id) => names.includes(id)));
}

/** Undefined: the default columns, which the URL can omit. */
export function writeColumns(kind: KindSpec, shown: ReadonlySet<string>): string | undefined {
  const ids = columnNames(kind).map(({ id }) => id);
  const chosen = ids.filter((id) => shown.has(id));
  if (chosen.join() === [...readColumns(kind, '')].join()) return undefined;
  if (chosen.length === ids.length) return 'all';
  return chosen.length === 0 ? 'none' : chosen.join(',');
}
