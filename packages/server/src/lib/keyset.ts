/**
 * Pages of a sorted query. A page starts after the sort key of the last row of the previous page, so that inserted rows
 * shift nothing. In both directions numbers come first, then NaN, then missing values.
 */

import type { Bind } from './composed-sql.ts';

export interface SortKey {
  /** An expression over the row. */
  readonly sql: string;
  readonly type: 'text' | 'double' | 'bigint';
  readonly ascending: boolean;
  /** It can be null. Otherwise, and without `nan`, an index can provide the order. */
  readonly missing?: boolean;
  /** It may be NaN. */
  readonly nan?: boolean;
}

/** One sort key of one row: `NaN` as text, bigint as text. */
type Cell = string | number | null;

const CASTS = { text: 'text', double: 'float8', bigint: 'int8' } as const;
const NAN = "'NaN'::float8";

/**
 * Returns the terms of `order by`.
 *
 * @checkedAs 1
 */
export function orderBy(keys: readonly SortKey[]): string {
  return keys.flatMap(orderTerms).join(', ');
}

function orderTerms({ sql, ascending, missing = false, nan = false }: SortKey): string[] {
  const last = missing ? ' nulls last' : '';
  // PostgreSQL sorts NaN as the greatest number: only a descending order needs a special case.
  return [...(nan && !ascending ? [`${sql} = ${NAN}${last}`] : []), `${sql}${ascending ? '' : ' desc'}${last}`];
}

/**
 * Returns the columns `s0`, `s1`, …: the sort key of each row.
 *
 * @checkedAs 0 as s0
 */
export function sortColumns(keys: readonly SortKey[]): string {
  return keys.map(({ sql }, index) => `${sql} as s${index}`).join(', ');
}

/** The sort key of a row with the columns `s0`, `s1`, …, as text. */
export function positionOf(keys: readonly SortKey[], row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(keys.map((_, index) => cellOf(row[`s${index}`])));
}

function cellOf(value: unknown): Cell {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && Number.isNaN(value)) return 'NaN';
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}

/** Returns whether `place` is valid for this order; clients can forge one. */
export function isPosition(keys: readonly SortKey[], position: string): boolean {
  return readCells(keys, position) !== undefined;
}

/**
 * Returns the condition of the rows after `place`; undefined if it is not valid for this order. Clients can forge one.
 */
export function behind(keys: readonly SortKey[], position: string, bind: Bind): string | undefined {
  const cells = readCells(keys, position);
  if (cells === undefined) return undefined;
  let condition = 'false';
  for (const [index, key] of [...keys.entries()].toReversed()) {
    const cell = cells[index] ?? null;
    const value = cell === null || isNaNCell(key.type, cell) ? '' : `${bind(cell)}::${CASTS[key.type]}`;
    const later = laterThan(key, cell, value);
    const same = sameAs(key, cell, value);
    condition = `(${later} or ${same} and ${condition})`;
    // Redundant, but lets the query start in an index.
    if (index === 0 && value !== '' && key.missing !== true && key.nan !== true) {
      condition = `${key.sql} ${key.ascending ? '>=' : '<='} ${value} and ${condition}`;
    }
  }
  return condition;
}

function laterThan({ sql, type, ascending, missing = false, nan = false }: SortKey, cell: Cell, value: string): string {
  const isMissing = missing ? `${sql} is null` : 'false';
  if (cell === null) return 'false';
  if (isNaNCell(type, cell)) return isMissing;
  const nanLater = nan && !ascending ? ` or ${sql} = ${NAN}` : '';
  return `(${sql} ${ascending ? '>' : '<'} ${value}${nanLater}${missing ? ` or ${isMissing}` : ''})`;
}

function sameAs({ sql, type }: SortKey, cell: Cell, value: string): string {
  if (cell === null) return `${sql} is null`;
  return isNaNCell(type, cell) ? `${sql} = ${NAN}` : `${sql} = ${value}`;
}

function isNaNCell(type: SortKey['type'], cell: Cell): boolean {
  return type === 'double' && cell === 'NaN';
}

function readCells(keys: readonly SortKey[], position: string): readonly Cell[] | undefined {
  let cells: unknown;
  try {
    cells = JSON.parse(position);
  } catch {
    return undefined;
  }
  if (!Array.isArray(cells) || cells.length !== keys.length) return undefined;
  return keys.every((key, index) => fits(key, cells[index])) ? (cells as Cell[]) : undefined;
}

const INT8 = { least: -(2n ** 63n), most: 2n ** 63n - 1n } as const;

function fits({ type, missing = false, nan = false }: SortKey, cell: unknown): boolean {
  if (cell === null) return missing;
  if (type === 'double') return nan && cell === 'NaN' ? true : typeof cell === 'number' && Number.isFinite(cell);
  if (typeof cell !== 'string') return false;
  if (type === 'text') return cell.isWellFormed() && !cell.includes('\0');
  return /^-?\d{1,19}$/.test(cell) && BigInt(cell) >= INT8.least && BigInt(cell) <= INT8.most;
}
