/** Collects deleted rows of the files of a table, within a limit, and packs them without blocking the event loop. */
import { setImmediate as turn } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { RowPacker } from '#engines/query/model/parquet-shape.ts';
import { BitmapError } from './roaring-rows.ts';

/** Limit for all files of a table: about as many bytes, and a few seconds. */
const MOST_DELETED = 20_000_000;
const ROWS_A_TURN = 50_000;

export class DeletedRows {
  readonly #where: string;
  #left = MOST_DELETED;
  #unread = MOST_DELETED;

  constructor(where: string) {
    this.#where = where;
  }

  /** @throws DaisError `too_large` */
  expect(count: number): void {
    this.#left -= count;
    if (this.#left >= 0) return;
    throw new DaisError(
      'too_large',
      `${this.#where} has more than ${MOST_DELETED} deleted rows. Rewrite its files without them.`,
    );
  }

  /** Packs row numbers like `packRowNumbers`. @throws DaisError `upstream_failed` for an invalid bitmap. */
  async pack(rows: () => Iterable<number>): Promise<string> {
    const packer = new RowPacker();
    const iterator = this.guarded(rows)[Symbol.iterator]();
    for (let count = 1; ; count++) {
      const next = this.guarded(() => iterator.next());
      if (next.done === true) return packer.packed;
      packer.add(next.value);
      if (count % ROWS_A_TURN === 0) await turn();
    }
  }

  /** For rows in ascending lists per file; duplicate rows count once. */
  packers(): RowPackers {
    return new RowPackers((count) => {
      this.#unread -= count;
      if (this.#unread < 0) this.expect(Infinity);
    });
  }

  guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BitmapError)) throw error;
      throw new DaisError(
        'upstream_failed',
        `A list of deleted rows of ${this.#where} cannot be read: ${error.message}.`,
        {
          cause: error,
        },
      );
    }
  }
}

export class RowPackers {
  readonly #packers = new Map<number, { readonly packer: RowPacker; last: number }>();
  readonly #count: (rows: number) => void;

  constructor(count: (rows: number) => void) {
    this.#count = count;
  }

  add(file: number, rows: readonly number[]): void {
    this.#count(rows.length);
    let known = this.#packers.get(file);
    if (known === undefined) this.#packers.set(file, (known = { packer: new RowPacker(), last: -1 }));
    for (const row of rows) {
      if (row > known.last) known.packer.add(row);
      known.last = row;
    }
  }

  get packed(): ReadonlyMap<number, string> {
    return new Map([...this.#packers].map(([file, { packer }]) => [file, packer.packed]));
  }
}

/** Merges both lists in order, without duplicates. */
export function* mergedRows(one: Iterable<number>, other: Iterable<number>): Generator<number> {
  const [a, b] = [one[Symbol.iterator](), other[Symbol.iterator]()];
  let [x, y] = [a.next(), b.next()];
  while (x.done !== true || y.done !== true) {
    const row = Math.min(x.done === true ? Infinity : x.value, y.done === true ? Infinity : y.value);
    yield row;
    if (x.done !== true && x.value === row) x = a.next();
    if (y.done !== true && y.value === row) y = b.next();
  }
}
