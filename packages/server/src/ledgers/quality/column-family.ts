import type { ColumnFamily, DataColumn } from '@dais/api/data';

/** Groups column types by the checks that apply to them. */
export function familyOf({ type }: Pick<DataColumn, 'type'>): ColumnFamily {
  if (/^(u?int(8|16|32|64)|float(32|64)|decimal\()/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  return type === 'date' || type === 'timestamp' ? 'time' : 'other';
}

export function isFloating({ type }: Pick<DataColumn, 'type'>): boolean {
  return type === 'float32' || type === 'float64';
}

export function isInteger({ type }: Pick<DataColumn, 'type'>): boolean {
  return /^u?int(8|16|32|64)$/.test(type);
}
