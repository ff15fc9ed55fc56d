/**
 * Finds invalid integers of a CSV: DuckDB rounds `1.5` to 2 and accepts `1_000` and `0x10` as integers. Reading these columns
 * again as text costs about a third of the total time.
 */
import { createReadStream } from 'node:fs';
import type { Column } from '../../contract.ts';
import type { Session } from '../session.ts';
import { sqlType } from '../sql/column-types.ts';
import { identifier } from '../sql/sql-text.ts';

export interface BrokenInteger {
  /** Row numbers of the read rows, from 0. */
  readonly row: number;
  readonly column: string;
  readonly value: string;
}

const MOST = 1_000_000;

function integerColumns(columns: readonly Column[]): readonly Column[] {
  return columns.filter(({ type }) => /^u?int\d+$/.test(type));
}

/** Returns a condition for text that DuckDB reads as an integer although it is not one. */
function brokenInteger({ name, type }: Column): string {
  const quoted = identifier(name);
  return `(NOT regexp_full_match(${quoted}, ' *[+-]?[0-9]+ *') AND TRY_CAST(${quoted} AS ${sqlType(type)}) IS NOT NULL)`;
}

/** @param source the file with every column as text, without invalid rows. */
export async function brokenIntegers(
  session: Session,
  source: string,
  columns: readonly Column[],
): Promise<readonly BrokenInteger[]> {
  const integers = integerColumns(columns);
  if (integers.length === 0) return [];
  const broken = integers.map(brokenInteger);
  const [found] = await session.rows(`SELECT count(*) AS n FROM ${source} WHERE ${broken.join(' OR ')}`);
  if (Number(found?.['n']) === 0) return [];
  const each = integers.map(
    ({ name }, n) => `CASE WHEN ${broken[n]} THEN struct_pack(k := ${n}, v := ${identifier(name)}) END`,
  );
  const numbered = `SELECT row_number() OVER () - 1 AS "n", [${each.join(', ')}] AS "f" FROM ${source}`;
  const single = `SELECT "n", unnest("f") AS "f" FROM (${numbered})`;
  const rows = await session.rows(
    `SELECT "n", "f".k AS "k", "f".v AS "v" FROM (${single}) WHERE "f" IS NOT NULL ORDER BY "n", "k" LIMIT ${MOST}`,
  );
  return rows.map(({ n, k, v }) => ({ row: Number(n), column: integers[Number(k)]?.name ?? '', value: String(v) }));
}

const [LINE_FEED, RETURN] = [0x0a, 0x0d];

/**
 * Returns the lines, from 1, on which the rows with the numbers `rows` (ascending, from 0) start. Empty lines and records that
 * start at a byte of `rejected` are not rows.
 */
export async function linesOfRows(
  path: string,
  rows: readonly number[],
  {
    quote,
    before,
    rejected,
  }: { readonly quote: string; readonly before: number; readonly rejected: ReadonlySet<number> },
): Promise<ReadonlyMap<number, number>> {
  const lines = new Map<number, number>();
  const rowNumbers = new Set(rows);
  const last = rows.at(-1) ?? -1;
  const mark = quote === '' ? -1 : quote.charCodeAt(0);
  let [at, line, start, startLine, row, quoted, empty] = [0, 1, 0, 1, -before, false, true];
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    for (const byte of piece) {
      if (byte === mark) quoted = !quoted;
      if (byte === LINE_FEED && !quoted) {
        if (!empty && !rejected.has(start)) {
          if (rowNumbers.has(row)) lines.set(row, startLine);
          row += 1;
        }
        if (row > last) return lines;
        [start, startLine, empty] = [at + 1, line + 1, true];
      } else if (byte !== RETURN) empty = false;
      if (byte === LINE_FEED) line += 1;
      at += 1;
    }
  }
  if (!empty && rowNumbers.has(row)) lines.set(row, startLine);
  return lines;
}
