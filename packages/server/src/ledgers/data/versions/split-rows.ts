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
  const wanted = clamp(2 ** Math.ceil(Math.log2(Math.max(1, rows / FILES))));
  if (before === undefined) return wanted;
  return before / wanted > 4 || wanted / before > 4 ? wanted : before;
}

function clamp(rows: number): number {
  return Math.min(MOST, Math.max(LEAST, rows));
}
