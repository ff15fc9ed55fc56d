/**
 * The rows of a list, patched by a watch. Pure functions: a change returns a new value, and unchanged rows stay
 * identical.
 */
import type { Resource, WatchEvent } from '@dais/api';

export interface LiveRows {
  /** By name, in the server's order. */
  readonly rows: readonly Resource[];
  /** False while pages are still arriving. */
  readonly complete: boolean;
  /** Unique for each read: every read restarts the watch. */
  readonly from: ListPosition;
}

/** Position of the list: a watch from here misses no event. */
export interface ListPosition {
  readonly resourceVersion: string;
}

/** Applies several events together: one new array for all events within a moment. */
export function patchRows(before: LiveRows, events: readonly WatchEvent<Resource>[]): LiveRows {
  const changed = new Map<string, Resource | undefined>();
  for (const event of events) {
    if (event.type !== 'bookmark') {
      changed.set(event.object.metadata.name, event.type === 'deleted' ? undefined : event.object);
    }
  }
  if (changed.size === 0) return before;
  const rows: Resource[] = [];
  for (const row of before.rows) {
    const { name } = row.metadata;
    if (!changed.has(name)) rows.push(row);
    else {
      const now = changed.get(name);
      if (now !== undefined) rows.push(sameVersion(row, now) ? row : now);
      changed.delete(name);
    }
  }
  const added = [...changed.values()].filter((row) => row !== undefined);
  for (const row of added.toSorted((a, b) => compareNames(a.metadata.name, b.metadata.name))) {
    rows.splice(positionOf(rows, row.metadata.name), 0, row);
  }
  return { ...before, rows };
}

function sameVersion(a: Resource, b: Resource): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

/** The server sorts names by bytes; for names in one script, code units sort the same. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function positionOf(rows: readonly Resource[], name: string): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames(rows[middle]?.metadata.name ?? '', name) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
