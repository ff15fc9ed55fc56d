/** How many rows a file of a version has. Pure. */

const LEAST = 4096;
/** A row group of the engine's Parquet. */
const MOST = 122_880;
/** A version has about as many files: one changed place costs about a quarter of a percent of its bytes. */
const FILES = 512;

/**
 * About so many rows each. Stays what it was in the version before while that gives between a quarter and four times as
 * many files as wanted: cutting in another way would make every file a new one.
 */
export function splitRows(rows: number, before: number | undefined): number {
  const wanted = clamp(2 ** Math.ceil(Math.log2(Math.max(1, rows / FILES))));
  if (before === undefined) return wanted;
  return before / wanted > 4 || wanted / before > 4 ? wanted : before;
}

function clamp(rows: number): number {
  return Math.min(MOST, Math.max(LEAST, rows));
}
