/** Maps Parquet files of a table format to the rows of the table. Plain data (JSON). */
import type { Column } from './column-type.ts';

/**
 * The source of a column of the table in its files: the column with this name, the column with this field id (`otherwise` for a
 * file without it, default NULL), or a constant per file: its `values` entry with this number.
 */
export type ColumnOrigin =
  | { readonly column: string }
  | { readonly field: number; readonly otherwise?: string }
  | { readonly value: number };

export interface ShapedColumn extends Column {
  readonly from: ColumnOrigin;
}

/** Properties of one file. */
export interface ShapedPart {
  /** Text that can be cast to the type of its column; base64 for binary. */
  readonly values?: readonly (string | null)[];
  /** Deleted rows of the file, as packed by `packRowNumbers`. */
  readonly deleted?: string;
}

/** Packs row numbers as base64: the difference of each to the previous one, seven bits per byte. */
export class RowPacker {
  readonly #parts: Buffer[] = [];
  #bytes = Buffer.alloc(65_536);
  #at = 0;
  #before = -1;

  /** Ascending, from 0. */
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
