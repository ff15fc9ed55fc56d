/** A filter as a tree, and its text form. */
import type { FilterEntity, FilterOperator } from '#filter/filter-entity.ts';

/** A range in the text, in UTF-16 units. */
export interface FilterSpan {
  readonly offset: number;
  readonly length: number;
}

export type FilterValue = number | string | readonly string[];

/** One comparison. A filter is a conjunction of them. */
export interface FilterClause {
  /** Name of a family of the entity. */
  readonly family: string;
  /** The canonical key for any alias. */
  readonly key: string;
  readonly operator: FilterOperator;
  /** Absent for IS NULL and IS NOT NULL. */
  readonly value?: FilterValue;
  readonly span: FilterSpan;
}

export interface OrderKey {
  readonly family: string;
  readonly key: string;
  readonly ascending: boolean;
}

/** Writes a filter that parses to the same clauses. */
export function formatFilter(entity: FilterEntity, clauses: readonly Omit<FilterClause, 'span'>[]): string {
  return clauses.map((clause) => formatClause(entity, clause)).join(' AND ');
}

function formatClause(entity: FilterEntity, { family, key, operator, value }: Omit<FilterClause, 'span'>): string {
  const subject = `${formatKey(entity, family, key)} ${operator}`;
  return value === undefined ? subject : `${subject} ${formatValue(value)}`;
}

/** `name` of a family as text: ``metrics.`a b` ``. */
export function formatKey(entity: FilterEntity, family: string, key: string): string {
  const word = entity.families.find(({ name }) => name === family)?.words[0] ?? family;
  const plain = /^[\w.]+$/.test(key);
  const quoted = plain ? key : `\`${key.replaceAll('`', '``')}\``;
  return family === entity.bare && plain ? quoted : `${word}.${quoted}`;
}

function formatValue(value: FilterValue): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return `(${value.map(formatValue).join(', ')})`;
}

function formatNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  // Beyond the range of a double; parsed back as infinite.
  if (!Number.isFinite(value)) return value > 0 ? '1e999' : '-1e999';
  return String(value).replace('e+', 'e');
}
