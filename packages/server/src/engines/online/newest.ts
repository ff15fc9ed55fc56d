import type { OnlineRow } from './contract.ts';

/** Whether `row` takes the place of `there`. */
export function counts(row: OnlineRow, there: OnlineRow): boolean {
  return row.eventTime > there.eventTime || (row.eventTime === there.eventTime && row.createdTime >= there.createdTime);
}

/** Of rows of one key the one that counts, in the order of keys: two writers then wait for each other and never deadlock. */
export function newestOfEach(rows: readonly OnlineRow[]): OnlineRow[] {
  const newest = new Map<string, OnlineRow>();
  for (const row of rows) {
    const key = row.key.toString('latin1');
    const there = newest.get(key);
    if (there === undefined || counts(row, there)) newest.set(key, row);
  }
  return [...newest].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
