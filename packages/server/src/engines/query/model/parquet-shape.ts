/** How the rows of a table come out of Parquet files that say less than their table does. Plain data (JSON). */
import type { Column } from './column-type.ts';

/**
 * What a column of the table is in its files: the column of this name, the one that has this field id (where a file has none:
 * `otherwise`, default NULL), or nothing, because it is the same in all rows of a file: the one of its `values` with this number.
 */
export type ColumnOrigin =
  | { readonly column: string }
  | { readonly field: number; readonly otherwise?: string }
  | { readonly value: number };

export interface ShapedColumn extends Column {
  readonly from: ColumnOrigin;
}

/** What is so of one file. */
export interface ShapedPart {
  /** Text that can be cast to the type of its column; of binary, base64. */
  readonly values?: readonly (string | null)[];
  /** Rows of the file that are not rows of the table, as `packRowNumbers` gives them. */
  readonly deleted?: string;
}

/** Row numbers as base64: the distance of each from the one before, seven bits a byte. `rows` rise, from 0 up. */
export function packRowNumbers(rows: Iterable<number>): string {
  const parts: Buffer[] = [];
  let bytes = Buffer.alloc(65_536);
  let at = 0;
  let before = -1;
  for (const row of rows) {
    if (at > bytes.length - 8) {
      parts.push(bytes.subarray(0, at));
      bytes = Buffer.alloc(65_536);
      at = 0;
    }
    let gap = row - before - 1;
    before = row;
    while (gap >= 128) {
      bytes[at++] = (gap % 128) + 128;
      gap = Math.floor(gap / 128);
    }
    bytes[at++] = gap;
  }
  return Buffer.concat([...parts, bytes.subarray(0, at)]).toString('base64');
}

export function* rowNumbers(packed: string): Generator<number> {
  let before = -1;
  let gap = 0;
  let unit = 1;
  for (const byte of Buffer.from(packed, 'base64')) {
    gap += (byte % 128) * unit;
    unit *= 128;
    if (byte >= 128) continue;
    before += gap + 1;
    yield before;
    gap = 0;
    unit = 1;
  }
}
