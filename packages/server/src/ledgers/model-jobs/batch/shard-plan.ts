/** How the rows of a version are cut into parts that are done one after the other. Pure. */

export interface Shard {
  readonly number: number;
  /** Place of its file in the version. */
  readonly file: number;
  /** Rows of the file, from 1; both included. */
  readonly first: number;
  readonly last: number;
  /** Rows of the version before it. */
  readonly before: number;
}

const SHARD_ROWS = 20_000;
/** Each is a row and up to two files until the job has ended. */
const MOST_SHARDS = 2000;

/** The same files give the same shards: whoever goes on finds what was done. */
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
