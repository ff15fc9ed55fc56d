/** Formatting of counts, shares and values. */
import { countNoun } from '@dais/api';
import type { Cell } from '#engines/query/contract.ts';

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** Formats a count with its noun in the singular: `1 row`, `2,500 rows`. */
export function countText(count: number, noun = 'row'): string {
  return countNoun(count, noun);
}

/** Formats a share. Only 0 and 1 become 0 % and 100 %. */
export function shareText(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  for (const digits of [1, 2, 3, 4, 6]) {
    const text = (share * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text} %`;
  }
  return share < 0.5 ? 'less than 0.000001 %' : 'more than 99.999999 %';
}

export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return COUNT.format(value);
  return Number(value.toPrecision(5)).toString();
}

/** Returns a number; large counts and sums can be texts. */
export function asNumber(cell: Cell | undefined): number {
  if (cell === null || cell === undefined || typeof cell === 'object') return Number.NaN;
  return Number(cell);
}

export function asCount(cell: Cell | undefined): number {
  const value = asNumber(cell);
  return Number.isFinite(value) ? value : 0;
}

/** Formats a value; lists and structs as JSON. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return 'null';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** Whether the share of passing rows is sufficient. Tolerates rounding: 0.9 of 10 rows are 9. */
export function isWithinLimit(broken: number, rows: number, atLeast: number): boolean {
  return rows === 0 || broken <= (1 - atLeast) * rows + 1e-9;
}
