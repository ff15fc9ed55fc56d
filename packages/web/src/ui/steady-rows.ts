/**
 * Rows that do not move under the pointer: while it is over them, their order is fixed. Values change in place; new
 * rows are held back, and removed rows stay, marked.
 */

export interface SteadyRow<Row> {
  readonly row: Row;
  readonly gone: boolean;
}

export interface SteadyView<Row> {
  readonly shown: readonly SteadyRow<Row>[];
  /** Changes that are held back until the pointer leaves. */
  readonly added: number;
  readonly gone: number;
}

/**
 * `held`: the rows when the pointer entered; undefined: the pointer is elsewhere. `growing`: rows appended after the
 * last one move no other row, and are shown.
 */
export function steadyView<Row>(
  rows: readonly Row[],
  held: readonly Row[] | undefined,
  keyOf: (row: Row) => string,
  growing = false,
): SteadyView<Row> {
  if (held === undefined || held === rows || (growing && beginsWith(rows, held, keyOf))) {
    return { shown: rows.map((row) => ({ row, gone: false })), added: 0, gone: 0 };
  }
  const now = new Map(rows.map((row) => [keyOf(row), row]));
  let gone = 0;
  const shown = held.map((before) => {
    const row = now.get(keyOf(before));
    if (row === undefined) gone++;
    return { row: row ?? before, gone: row === undefined };
  });
  const tail = growing ? tailBehind(rows, new Set(held.map(keyOf)), keyOf) : [];
  return {
    shown: [...shown, ...tail.map((row) => ({ row, gone: false }))],
    gone,
    added: rows.length - (held.length - gone) - tail.length,
  };
}

/** Almost always true, and much faster than a search. */
function beginsWith<Row>(rows: readonly Row[], held: readonly Row[], keyOf: (row: Row) => string): boolean {
  return rows.length >= held.length && held.every((before, at) => keyOf(before) === keyOf(rows[at] as Row));
}

/** The rows after the last one that is in `keys`. */
function tailBehind<Row>(rows: readonly Row[], keys: ReadonlySet<string>, keyOf: (row: Row) => string): readonly Row[] {
  return rows.slice(rows.findLastIndex((row) => keys.has(keyOf(row))) + 1);
}
