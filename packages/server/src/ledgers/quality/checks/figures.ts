/** Numbers in words. */
import type { Cell } from '#engines/query/contract.ts';

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function countText(count: number, what = 'rows'): string {
  return `${COUNT.format(count)} ${count === 1 && what === 'rows' ? 'row' : what}`;
}

/** Never rounds to all or nothing what is not. */
export function shareText(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  for (const digits of [1, 2, 3, 4, 6]) {
    const text = (share * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text} %`;
  }
  return share < 0.5 ? 'less than 0.000001 %' : 'more than 99.999999 %';
}

export function figureText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return COUNT.format(value);
  return Number(value.toPrecision(5)).toString();
}

/** Counts and sums may come as text, when they are large. */
export function asNumber(cell: Cell | undefined): number {
  if (cell === null || cell === undefined || typeof cell === 'object') return Number.NaN;
  return Number(cell);
}

export function asCount(cell: Cell | undefined): number {
  const value = asNumber(cell);
  return Number.isFinite(value) ? value : 0;
}

/** A value in words; lists and structs as JSON. */
export function wordsOf(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return 'null';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

/** Shares are compared as people write them: 0.9 of 10 rows are 9. */
export function keeps(broken: number, rows: number, atLeast: number): boolean {
  return rows === 0 || broken <= (1 - atLeast) * rows + 1e-9;
}
