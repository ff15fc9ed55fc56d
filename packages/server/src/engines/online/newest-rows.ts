import type { OnlineRow } from './contract.ts';

/** Returns whether `row` replaces `there`. */
export function counts(row: OnlineRow, there: OnlineRow): boolean {
  return row.eventTime > there.eventTime || (row.eventTime === there.eventTime && row.createdTime >= there.createdTime);
}

/** Returns the winning row of each key, in key order, so that concurrent writers never deadlock. */
export function newestRows(rows: readonly OnlineRow[]): OnlineRow[] {
  const newest = new Map<string, OnlineRow>();
  for (const row of rows) {
    const key = row.key.toString('latin1');
    const there = newest.get(key);
    if (there === undefined || counts(row, there)) newest.set(key, row);
  }
  return [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
