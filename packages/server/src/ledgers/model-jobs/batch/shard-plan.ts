/** Plans the shards of a batch prediction. Pure. */

export interface Shard {
  readonly number: number;
  /** Index of its file in the version. */
  readonly file: number;
  /** Rows of the file, from 1, inclusive. */
  readonly first: number;
  readonly last: number;
  /** Number of rows of the version before it. */
  readonly before: number;
}

const SHARD_ROWS = 20_000;
/** Most shards: each has a row and up to two files until the job ends. */
const MOST_SHARDS = 2000;

/** The same files give the same shards, so that a resumed job finds its finished ones. */
export function planShards(files: readonly { readonly rows: number }[]): readonly Shard[] {
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const size = Math.max(SHARD_ROWS, Math.ceil(rows / MOST_SHARDS));
  const shards: Shard[] = [];
  let before = 0;
  for (const [file, { rows: count }] of files.entries()) {
    for (let first = 1; first <= count; first += size) {
      const last = Math.min(count, first + size - 1);
      shards.push({ number: shards.length, file, first, last, before: before + first - 1 });
    }
    before += count;
  }
  return shards;
}
