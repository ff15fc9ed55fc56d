/** Summarizes numeric columns in the process of DuckDB: only counts leave this process, not values. */
import { DuckDBDoubleVector, DuckDBListVector, DuckDBStructVector, type DuckDBDataChunk } from '@duckdb/node-api';
import type { NumberSummary } from '#lib/statistics/column-summary.ts';
import { NumberScan } from '#lib/statistics/number-scan.ts';
import type { SummaryOutput } from '../../contract.ts';
import { QueryError } from '../../model/query-error.ts';
import type { Session } from '../session.ts';
import { identifier } from '../sql/sql-text.ts';
import type { ResultHead } from '../wire.ts';

/** Values of all columns that are buffered until their bin edges are known: 128 MiB. With more, the rows are read twice. */
const MOST_HELD = 16 * 1024 * 1024;

export async function outputSummaries(session: Session, sql: string, output: SummaryOutput): Promise<ResultHead> {
  const { columns } = await session.bind(sql);
  const wrong = columns.find(({ type }) => type !== 'float64');
  if (wrong !== undefined) {
    throw new QueryError(
      'query_invalid',
      `\`${wrong.name}\` has the type ${wrong.type}. Cast it to float64 to summarize it.`,
    );
  }
  const names = columns.map(({ name }) => name);
  const { rowCount, summaries } =
    (await sampled(session, sql, names, output)) ?? (await ofAll(session, sql, names, output));
  return { columns, truncated: false, files: [], rowCount, summaries };
}

/** Undefined without a requested sample, or if DuckDB cannot sum the values. */
async function sampled(
  session: Session,
  sql: string,
  names: readonly string[],
  output: SummaryOutput,
): Promise<Found | undefined> {
  const { share = 1 } = output;
  if (share >= 1) return undefined;
  const some = async (ends: readonly Ends[]) =>
    await ofSome(session, sql, names, { ...output, share, ends }).catch((error: unknown) => {
      if (isOverflow(error)) return undefined;
      throw error;
    });
  return (await some(await endsOf(session, sql, names))) ?? (await some([]));
}

interface Found {
  readonly rowCount: number;
  readonly summaries: readonly NumberSummary[];
}

async function ofAll(session: Session, sql: string, names: readonly string[], output: SummaryOutput): Promise<Found> {
  const held = Math.floor(MOST_HELD / Math.max(1, names.length));
  const scans = names.map((name) => new NumberScan(output.edges?.[name], held));
  let rowCount = 0;
  await eachChunk(session, sql, (chunk) => {
    rowCount += chunk.rowCount;
    for (const [at, scan] of scans.entries()) scan.add(...valuesOf(chunk.getColumnVector(at)));
  });
  const again = scans.flatMap((scan, at) => (scan.end() ? [[at, scan] as const] : []));
  if (again.length > 0) {
    await eachChunk(session, sql, (chunk) => {
      for (const [at, scan] of again) scan.recount(...valuesOf(chunk.getColumnVector(at)));
    });
  }
  return { rowCount, summaries: scans.map((scan) => scan.summary()) };
}

/**
 * Computes moments with DuckDB, and the sample rows in the same scan, in one list: filtering each column separately, or reading
 * all rows twice, would cost as much as the moments. Minimum and maximum are read first: files contain them in metadata, and if
 * both are finite, values need no check for finiteness, which is more than half of the scan (`benchmarks/monitoring.ts`, 10
 * million rows twice: 14.3 CPU seconds, and 30.5 without). Returns undefined if the metadata omit NaN, as Parquet may; the mean
 * is then NaN.
 */
async function ofSome(
  session: Session,
  sql: string,
  names: readonly string[],
  { edges, share, ends }: SummaryOutput & { readonly share: number; readonly ends: readonly Ends[] },
): Promise<Found | undefined> {
  const columns = names.map((name, n) => {
    const value = identifier(name);
    return areFinite(ends[n])
      ? `${value} AS c${n}`
      : `${value} AS v${n}, CASE WHEN isfinite(${value}) THEN ${value} END AS c${n}`;
  });
  const numbered = `SELECT ${columns.join(', ')}, row_number() OVER () AS "~row" FROM (${sql}\n)`;
  const aggregates = names.map((_, n) => [
    `count(c${n}), avg(c${n}), var_samp(c${n})`,
    ...(areFinite(ends[n]) ? [] : [`min(c${n}), max(c${n}), count(v${n})`]),
  ]);
  const packed = names.map((_, n) => `c${n} := c${n}`).join(', ');
  const chosen = `list(struct_pack(${packed})) FILTER (WHERE hash("~row", 1) % 1000000000 < ${Math.round(share * 1e9)})`;
  const scans = names.map((name) => new NumberScan(edges?.[name], Infinity));
  const numbers: number[] = [];
  await eachChunk(
    session,
    `SELECT ${chosen}, count(*), ${aggregates.flat().join(', ')} FROM (${numbered})`,
    (chunk) => {
      for (let at = 1; at < chunk.columnCount; at++) numbers.push(numberOf(chunk, at));
      const list = chunk.getColumnVector(0);
      const kept = list instanceof DuckDBListVector ? list['childData'] : undefined;
      if (!(kept instanceof DuckDBStructVector)) throw new Error('the sample is not a list of rows');
      for (const [at, vector] of kept['entryVectors'].entries()) scans[at]?.add(...valuesOf(vector));
    },
  );
  const next = () => numbers.shift() ?? 0;
  const rowCount = next();
  const of = names.map((_, n) => {
    const [count, mean, variance] = [next(), next(), next()];
    if (!areFinite(ends[n])) return { count, mean, variance, min: next(), max: next(), values: next() };
    const { min, max } = ends[n];
    return { count, mean, variance, min, max, values: count };
  });
  if (of.some(({ count, mean }, n) => areFinite(ends[n]) && count > 0 && !Number.isFinite(mean))) return undefined;
  const nonFinite = of.flatMap(({ values, count }, n) => (values === count ? [] : [n]));
  const nans = await countNans(session, sql, names, nonFinite);
  const summaries = scans.map((scan, n): NumberSummary => {
    const { count, mean, variance, min, max, values } = of[n] ?? NOTHING;
    scan.end();
    return {
      ...scan.summary(),
      count,
      nulls: rowCount - values,
      nans: nans.get(n) ?? 0,
      infinities: values - count - (nans.get(n) ?? 0),
      ...(count > 0 && { min, max, mean }),
      squares: variance * Math.max(0, count - 1),
    };
  });
  return { rowCount, summaries };
}

const NOTHING = { count: 0, mean: 0, variance: 0, min: 0, max: 0, values: 0 };

interface Ends {
  readonly min: number;
  readonly max: number;
}

/** Of all values, including non-finite ones; 0 without values. */
async function endsOf(session: Session, sql: string, names: readonly string[]): Promise<readonly Ends[]> {
  const aggregates = names.map((name) => `min(${identifier(name)}), max(${identifier(name)})`);
  let ends: readonly Ends[] = [];
  await eachChunk(session, `SELECT ${aggregates.join(', ')} FROM (${sql}\n)`, (chunk) => {
    ends = names.map((_, n) => ({ min: numberOf(chunk, 2 * n), max: numberOf(chunk, 2 * n + 1) }));
  });
  return ends;
}

/** DuckDB orders NaN after all other numbers. */
function areFinite(ends: Ends | undefined): ends is Ends {
  return ends !== undefined && Number.isFinite(ends.min) && Number.isFinite(ends.max);
}

async function countNans(
  session: Session,
  sql: string,
  names: readonly string[],
  at: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  if (at.length === 0) return found;
  const aggregates = at.map((n) => `count(*) FILTER (WHERE isnan(${identifier(names[n] ?? '')}))`);
  await eachChunk(session, `SELECT ${aggregates.join(', ')} FROM (${sql}\n)`, (chunk) => {
    for (const [position, n] of at.entries()) found.set(n, numberOf(chunk, position));
  });
  return found;
}

/** DuckDB cannot compute a variance of values whose squares overflow. */
function isOverflow(error: unknown): boolean {
  return error instanceof Error && /out of range/i.test(error.message);
}

function numberOf(chunk: DuckDBDataChunk, at: number): number {
  return Number(chunk.getColumnVector(at).getItem(0) ?? 0);
}

async function eachChunk(session: Session, sql: string, work: (chunk: DuckDBDataChunk) => void): Promise<void> {
  const result = await session.stream(sql);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    work(chunk);
  }
}

/** Reads the memory of the vector directly: reading values one by one is ten times slower. */
function valuesOf(vector: unknown): [Float64Array, Uint8Array?] {
  if (!(vector instanceof DuckDBDoubleVector)) throw new Error('a column is not a vector of float64');
  const values = vector['items'];
  const valid = vector['validity']['data'];
  return valid === null ? [values] : [values, new Uint8Array(valid.buffer, valid.byteOffset, valid.byteLength)];
}
