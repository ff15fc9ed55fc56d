/** Which columns of a list are shown, as its address says it. */
import type { KindSpec } from '@dais/api';

/** Of every kind, beside its own. */
const COMMON = [
  { id: 'labels', title: 'Labels' },
  { id: 'changed', title: 'Updated' },
  { id: 'age', title: 'Created' },
] as const;

export interface ColumnName {
  readonly id: string;
  readonly title: string;
}

/** What one may choose from: all but the name, without which a row is nothing. */
export function columnNames(kind: KindSpec): readonly ColumnName[] {
  return [...kind.columns.map(({ path, title }) => ({ id: path, title })), ...COMMON];
}

/** `text`: ids with commas between them, or `all`; empty: what a new reader sees. Unknown ids do not count. */
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

/** Undefined: what a new reader sees, and then the address need not say it. */
export function writeColumns(kind: KindSpec, shown: ReadonlySet<string>): string | undefined {
  const ids = columnNames(kind).map(({ id }) => id);
  const chosen = ids.filter((id) => shown.has(id));
  if (chosen.join() === [...readColumns(kind, '')].join()) return undefined;
  if (chosen.length === ids.length) return 'all';
  return chosen.length === 0 ? 'none' : chosen.join(',');
}
