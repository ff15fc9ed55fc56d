import {
  MOST_CORRELATED,
  type ColumnProfile,
  type Correlation,
  type DataColumn,
  type DatasetProfile,
} from '@dais/api/data';
import type { Cell, QueryEngine, QueryJob, RunOptions, StatementResult, TableSource } from '#engines/query/contract.ts';
import { QueryError } from '#engines/query/model/query-error.ts';
import type { Query } from '#engines/query/model/query-tree.ts';
import { familyOf } from '../column-values.ts';
import {
  queryAll,
  columnQueries,
  COLUMNS_AT_ONCE,
  correlationQuery,
  distinctRows,
  edgesOf,
  isNumeric,
  hasSquares,
  hasTop,
  isSparse,
  NUMBERED,
  numberOf,
  histogramsQuery,
  ROW_COLUMNS,
  readColumn,
  readSpread,
  nansQuery,
  sampledEvery,
  SAMPLE,
  sampleQuery,
  scannedColumns,
  spreadQuery,
  TOP,
  topQuery,
  rangesQuery,
  readRange,
  type ColumnSpread,
  type Range,
  type Sampling,
} from './profile-plan.ts';

export interface ProfileRequest {
  readonly version: string;
  readonly rows: number;
  readonly columns: readonly DataColumn[];
  /** Key columns, which are excluded from correlations. */
  readonly keys: readonly string[];
  readonly data: TableSource;
  /** The project, for fair sharing of the engine. */
  readonly owner: string;
}

/** Duplicate rows are counted up to this number of rows: each takes about 40 bytes of memory or temporary disk. */
const MAX_COMPARED_ROWS = 100_000_000;
const MAX_COMPARED_COLUMNS = 1000;
/** Maximum number of columns with frequent values: each is a separate query (25 ms at 500 columns). */
const MAX_TOPS = 150;

/**
 * Profiles the rows of one version. A sample determines the bin edges; one scan of all rows computes counts, sums and
 * histograms. Up to half a million rows, the sample contains all of them. `now` in milliseconds.
 * @throws QueryError, or the reason of `options.signal`.
 */
export async function makeProfile(
  engine: QueryEngine,
  request: ProfileRequest,
  { now, ...options }: RunOptions & { readonly now: () => number },
): Promise<DatasetProfile> {
  const startedAt = now();
  const { rows, version } = request;
  const { correlations, ...known } = await readSample(engine, request, options);
  const { columns, duplicates } = await scanAsKnown(engine, request, known, options);
  await countNans(engine, request, columns, options);
  await countTops(engine, request, columns, options);
  const madeAt = now();
  return {
    version,
    rows,
    ...(duplicates !== undefined && { duplicates }),
    columns,
    correlations,
    madeAt,
    seconds: (madeAt - startedAt) / 1000,
  };
}

type Spreads = ReadonlyMap<DataColumn, ColumnSpread>;

/** Statistics from the sample, before all rows are read. */
interface Known {
  readonly spreads: Spreads;
  readonly ranges: ReadonlyMap<DataColumn, Range>;
  /** Whether the deviation of a column can be computed. */
  readonly squares: (of: DataColumn) => boolean;
}

async function readSample(engine: QueryEngine, request: ProfileRequest, options: RunOptions) {
  const pairs = correlatedPairs(request);
  try {
    return await profileRows(engine, request, pairs, options);
  } catch (error) {
    if (!isOdd(error)) throw error;
  }
  // A column has values whose squares overflow: repeat without correlations, then compute those of the other columns.
  const profiled = await profileRows(engine, request, [], options);
  const { ranges } = profiled;
  const squared = (of: DataColumn) => {
    const range = ranges.get(of);
    return range !== undefined && hasSquares(range);
  };
  const possible = pairs.filter(([a, b]) => squared(a) && squared(b));
  if (possible.length === 0) return profiled;
  const sampling = samplingOf(request);
  const [correlated] = await runQueries(
    engine,
    request,
    [correlationQuery(possible, sampling)],
    options,
    keptBy(sampling),
  );
  return { ...profiled, correlations: readCorrelations(possible, correlated) };
}

/** DuckDB fails to compute deviation and correlation if squares overflow float64, or a value is not finite. */
function isOdd(error: unknown): boolean {
  return error instanceof QueryError && error.code === 'data_invalid';
}

async function profileRows(
  engine: QueryEngine,
  request: ProfileRequest,
  pairs: readonly (readonly [DataColumn, DataColumn])[],
  options: RunOptions,
) {
  const figured = request.columns.filter(isNumeric);
  const sampling = samplingOf(request);
  const { every } = sampling;
  const groups = inGroups(figured);
  const more = [
    ...groups.map((group) => rangesQuery(group)),
    ...(pairs.length > 0 ? [correlationQuery(pairs, sampling)] : []),
  ];
  const sampled = await querySpreads(engine, request, { of: figured, sampling, more }, options);
  const ranges = new Map<DataColumn, Range>();
  for (const [at, group] of groups.entries()) {
    const answers = answersOf(sampled.more[at]);
    for (const [i, of] of group.entries()) {
      const range = readRange(answers(i));
      if (range !== undefined) ranges.set(of, range);
    }
  }
  const spreads = new Map(sampled.spreads);
  const sparse = figured.filter((of) => isSparse(spreads.get(of), request.rows, every));
  const whole = await querySpreads(
    engine,
    request,
    { of: sparse, sampling: { every: 1, kept: [] }, more: [] },
    options,
  );
  for (const [of, spread] of whole.spreads) spreads.set(of, spread);
  const correlations = pairs.length > 0 ? readCorrelations(pairs, sampled.more.at(-1)) : [];
  const squares = (of: DataColumn) => hasSquares(ranges.get(of) ?? { min: 0, max: 0 });
  return { spreads, ranges, squares, correlations };
}

/** Whether to sample. With very many columns a sample is large too, and without a sample all rows are used. */
function samplingOf(request: ProfileRequest): Sampling {
  const every = everyOf(request);
  const figured = request.columns.filter(isNumeric);
  return { every, kept: every > 1 && figured.length <= COLUMNS_AT_ONCE ? figured : [] };
}

/** Rows that are passed with a job have no row numbers, and are few. */
function everyOf({ data, rows }: ProfileRequest): number {
  return 'files' in data ? sampledEvery(rows) : 1;
}

async function querySpreads(
  engine: QueryEngine,
  request: ProfileRequest,
  {
    of,
    sampling,
    more,
  }: { readonly of: readonly DataColumn[]; readonly sampling: Sampling; readonly more: readonly Query[] },
  options: RunOptions,
): Promise<{ readonly spreads: Spreads; readonly more: readonly StatementResult[] }> {
  const groups = inGroups(of);
  const queries = [...groups.map((group) => spreadQuery(group, sampling)), ...more];
  const results = await runQueries(engine, request, queries, options, keptBy(sampling));
  const spreads = new Map<DataColumn, ColumnSpread>();
  for (const [at, group] of groups.entries()) {
    const answers = answersOf(results[at]);
    for (const [i, one] of group.entries()) {
      const spread = readSpread(answers(i));
      if (spread !== undefined) spreads.set(one, spread);
    }
  }
  return { spreads, more: results.slice(groups.length) };
}

/**
 * Parquet statistics of other writers can omit NaN. In that case the sum is NaN, or DuckDB returns no deviation, and every value is
 * checked. If that fails too, the squares of some column overflow float64.
 */
async function scanAsKnown(engine: QueryEngine, request: ProfileRequest, known: Known, options: RunOptions) {
  try {
    const scanned = await scanAll(engine, request, known, options);
    const { columns } = scanned;
    const odd = request.columns.some(
      (of, i) => known.ranges.has(of) && columns[i]?.family === 'number' && columns[i].sum === undefined,
    );
    if (!odd) return scanned;
  } catch (error) {
    if (!isOdd(error)) throw error;
  }
  const less = { ...known, ranges: new Map() };
  try {
    return await scanAll(engine, request, less, options);
  } catch (error) {
    if (!isOdd(error)) throw error;
  }
  const squares = (of: DataColumn) => known.ranges.has(of) && known.squares(of);
  return await scanAll(engine, request, { ...less, squares }, options);
}

function keptBy(sampling: Sampling): NonNullable<QueryJob['prepare']> {
  return sampling.kept.length > 0 ? [{ name: SAMPLE, query: sampleQuery(sampling) }] : [];
}

async function scanAll(engine: QueryEngine, request: ProfileRequest, known: Known, options: RunOptions) {
  const { spreads, ranges } = known;
  const { columns, rows, keys } = request;
  const sampling = samplingOf(request);
  const isSampled = sampling.every > 1;
  const groups = inGroups(columns);
  const pictured = inGroups(
    columns.flatMap((of) => {
      const spread = spreads.get(of);
      return spread === undefined ? [] : [[of, edgesOf(of, spread)] as const];
    }),
  );
  const edges = new Map(isSampled ? [] : pictured.flat());
  // The ingest rejects versions with duplicate keys.
  const compared = keys.length === 0 && rows > 0 && rows <= MAX_COMPARED_ROWS && columns.length <= MAX_COMPARED_COLUMNS;
  const queriesOf = (group: readonly DataColumn[]) =>
    group.map((of, i) =>
      columnQueries(of, i, { inner: edges.get(of), range: ranges.get(of), squares: known.squares(of), rows }),
    );
  // A scan that reads all columns can also compare rows.
  const [only, ...others] = groups;
  const alone = compared && only !== undefined && others.length === 0;
  const rowsQuery = { rows: distinctRows(alone ? columns.map((_, i) => `v${i}`) : columns.map(({ name }) => name)) };
  const queries: Query[] = alone
    ? [queryAll([...queriesOf(only), rowsQuery], scannedColumns(only, ranges))]
    : [
        ...groups.map((group) => queryAll(queriesOf(group), scannedColumns(group, ranges))),
        ...(compared ? [queryAll([rowsQuery])] : []),
      ];
  const pictures = isSampled ? pictured.map((group) => histogramsQuery(group, sampling)) : [];
  const results = await runQueries(
    engine,
    request,
    [...queries, ...pictures],
    options,
    isSampled ? keptBy(sampling) : [],
  );
  const histogramOf = new Map<DataColumn, Cell>();
  for (const [at, group] of (isSampled ? pictured : []).entries()) {
    const answers = answersOf(results[queries.length + at]);
    for (const [i, [of]] of group.entries()) histogramOf.set(of, answers(i).get('picture') ?? null);
  }
  const found = groups.flatMap((group, at) => {
    const answers = answersOf(results[at]);
    return group.map((of, i) => {
      const sampled = histogramOf.get(of);
      const answer = sampled === undefined ? answers(i) : new Map([...answers(i), ['picture', sampled] as const]);
      return readColumn(of, rows, answer, { spread: spreads.get(of), range: ranges.get(of) });
    });
  });
  const last = answersOf(results[queries.length - 1]);
  const distinct = compared ? numberOf(last(alone ? columns.length : 0).get('rows')) : undefined;
  const duplicates = keys.length > 0 ? 0 : distinct === undefined ? undefined : rows - distinct;
  return { columns: found, duplicates };
}

function correlatedPairs({ columns, keys }: ProfileRequest) {
  const numbers = columns
    .filter((of) => familyOf(of) === 'number' && !keys.includes(of.name))
    .slice(0, MOST_CORRELATED);
  return numbers.flatMap((a, i) => numbers.slice(i + 1).map((b) => [a, b] as const));
}

function readCorrelations(
  pairs: readonly (readonly [DataColumn, DataColumn])[],
  result: StatementResult | undefined,
): Correlation[] {
  const answers = answersOf(result);
  return pairs
    .flatMap(([a, b], i) => {
      const pearson = numberOf(answers(i).get('r'));
      return pearson === undefined ? [] : [{ columns: [a.name, b.name] as [string, string], pearson }];
    })
    .toSorted((a, b) => Math.abs(b.pearson) - Math.abs(a.pearson));
}

/** Separates NaN from infinities in `profiles`, where such values exist. */
async function countNans(
  engine: QueryEngine,
  request: ProfileRequest,
  profiles: ColumnProfile[],
  options: RunOptions,
): Promise<void> {
  const odd = request.columns.flatMap((of, index) => {
    const profile = profiles[index];
    return profile !== undefined && (profile.infinities ?? 0) > 0 ? [{ of, index, profile }] : [];
  });
  const groups = inGroups(odd);
  const queries = groups.map((group) => nansQuery(group.map(({ of }) => of)));
  const results = await runQueries(engine, request, queries, options);
  for (const [at, group] of groups.entries()) {
    const answers = answersOf(results[at]);
    for (const [i, { index, profile }] of group.entries()) {
      const nans = numberOf(answers(i).get('nans')) ?? 0;
      profiles[index] = { ...profile, nans, infinities: (profile.infinities ?? 0) - nans };
    }
  }
}

/** Adds frequent values to `profiles`. */
async function countTops(
  engine: QueryEngine,
  request: ProfileRequest,
  profiles: ColumnProfile[],
  options: RunOptions,
): Promise<void> {
  const counted = request.columns.flatMap((of, index) => {
    const profile = profiles[index];
    return profile !== undefined && hasTop(profile) ? [{ of, index, profile }] : [];
  });
  const isText = ({ profile }: (typeof counted)[number]) => profile.family === 'text';
  const tops = [...counted.filter(isText), ...counted.filter((one) => !isText(one))].slice(0, MAX_TOPS);
  const results = await runQueries(
    engine,
    request,
    tops.map(({ of }) => topQuery(of)),
    options,
  );
  for (const [at, { index, profile }] of tops.entries()) {
    const rows = results[at]?.rows ?? [];
    const top = rows
      .slice(0, TOP)
      .map(([value = null, count]) => ({ value: shown(value), count: numberOf(count) ?? 0 }));
    profiles[index] = { ...profile, top, topComplete: rows.length <= TOP };
  }
}

function shown(value: Cell): string | number | boolean | null {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

function inGroups<T>(items: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += COLUMNS_AT_ONCE) groups.push(items.slice(at, at + COLUMNS_AT_ONCE));
  return groups;
}

/** Returns the single row of `queryAll`, by index of the query. */
function answersOf(result: StatementResult | undefined): (index: number) => ReadonlyMap<string, Cell> {
  const byAsk = new Map<number, Map<string, Cell>>();
  const row = result?.rows[0] ?? [];
  for (const [at, { name }] of (result?.columns ?? []).entries()) {
    const cut = name.indexOf('_');
    const index = Number(name.slice(0, cut));
    const answers = byAsk.get(index) ?? new Map<string, Cell>();
    byAsk.set(index, answers.set(name.slice(cut + 1), row[at] ?? null));
  }
  return (index) => byAsk.get(index) ?? new Map();
}

/** Runs several queries over the same rows in one job, and returns their results in order. */
async function runQueries(
  engine: QueryEngine,
  request: ProfileRequest,
  queries: readonly Query[],
  options: RunOptions,
  prepare: NonNullable<QueryJob['prepare']> = [],
): Promise<readonly StatementResult[]> {
  const { data, owner } = request;
  const [query, ...others] = queries;
  if (query === undefined) return [];
  const output = { type: 'rows', limit: 1000 } as const;
  // The same files, without and with row numbers.
  const tables =
    'files' in data && everyOf(request) > 1 ? { data, [NUMBERED]: { ...data, provenance: ROW_COLUMNS } } : { data };
  const job = { tables, prepare, query, output, more: others.map((other) => ({ query: other, output })), owner };
  const { more, ...result } = await engine.run(job, options);
  return [result, ...more];
}
