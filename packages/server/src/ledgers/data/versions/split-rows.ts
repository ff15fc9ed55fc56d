/** Determines the rows per file of a version. Pure. */

const LEAST = 4096;
/** Rows of a Parquet row group of the engine. */
const MOST = 122_880;
/** Target number of files: one changed row then rewrites about a quarter of a percent of the bytes. */
const FILES = 512;

/**
 * Returns the approximate rows per file. Keeps the value of the previous version while it results in between a quarter and four
 * times the target number of files, because a new value rewrites every file.
 */
export function splitRows(rows: number, before: number | undefined): number {
  const target = clamp(2 ** Math.ceil(Math.log2(Math.max(1, rows / FILES))));
  if (before === undefined) return target;
  return before / target > 4 || target / before > 4 ? target : before;
}

function clamp(rows: number): number {
  return Math.min(MOST, Math.max(LEAST, rows));
}
