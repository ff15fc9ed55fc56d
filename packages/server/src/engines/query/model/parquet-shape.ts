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

/** Row numbers as base64: the distance of each from the one before, seven bits a byte. */
export class RowPacker {
  readonly #parts: Buffer[] = [];
  #bytes = Buffer.alloc(65_536);
  #at = 0;
  #before = -1;

  /** Rising, from 0 up. */
  add(row: number): void {
    if (this.#at > this.#bytes.length - 8) {
      this.#parts.push(this.#bytes.subarray(0, this.#at));
      this.#bytes = Buffer.alloc(65_536);
      this.#at = 0;
    }
    let gap = row - this.#before - 1;
    this.#before = row;
    while (gap >= 128) {
      this.#bytes[this.#at++] = (gap % 128) + 128;
      gap = Math.floor(gap / 128);
    }
    this.#bytes[this.#at++] = gap;
  }

  get packed(): string {
    return Buffer.concat([...this.#parts, this.#bytes.subarray(0, this.#at)]).toString('base64');
  }
}

export function packRowNumbers(rows: Iterable<number>): string {
  const packer = new RowPacker();
  for (const row of rows) packer.add(row);
  return packer.packed;
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
