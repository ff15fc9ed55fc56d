import {
  MOST_CORRELATED,
  type ColumnProfile,
  type Correlation,
  type DataColumn,
  type DatasetProfile,
} from '@dais/api/data';
import type { Cell, QueryEngine, RunOptions, StatementResult, TableSource } from '#engines/query/contract.ts';
import type { Query } from '#engines/query/model/query-tree.ts';
import { familyOf } from '../column-family.ts';
import {
  askAll,
  COLUMNS_AT_ONCE,
  correlationQuery,
  distinctRows,
  firstAsks,
  firstColumns,
  hasTop,
  numberOf,
  pictureAsk,
  readFirst,
  readPicture,
  TOP,
  topQuery,
} from './profile-plan.ts';

export interface ProfileRequest {
  readonly version: string;
  readonly rows: number;
  readonly columns: readonly DataColumn[];
  /** Columns that name a row: no correlation with them is looked for. */
  readonly keys: readonly string[];
  readonly data: TableSource;
  /** Whose turn it is: the project. */
  readonly owner: string;
}

/** Rows that are there twice are counted up to this size: each takes some 40 bytes of memory or temporary disk. */
const MOST_COMPARED_ROWS = 100_000_000;
const MOST_COMPARED_COLUMNS = 1000;
/** Columns whose frequent values are counted: each is a query of its own (25 ms at 500 columns). */
const MOST_TOPS = 150;

/**
 * Looks at the rows of one version: one scan for counts, moments and quantiles, a second one for pictures, whose edges the first
 * gave. `now` in milliseconds.
 * @throws QueryError, or the reason of `options.signal`.
 */
export async function makeProfile(
  engine: QueryEngine,
  request: ProfileRequest,
  { now, ...options }: RunOptions & { readonly now: () => number },
): Promise<DatasetProfile> {
  const startedAt = now();
  const { columns, rows, version } = request;
  const first = await firstScan(engine, request, options);
  const complete = await secondScan(engine, request, first.columns, options);
  const madeAt = now();
  return {
    version,
    rows,
    ...(first.distinct !== undefined && { duplicates: rows - first.distinct }),
    columns: columns.map((of, i) => complete.get(i) ?? first.columns[i] ?? empty(of, rows)),
    correlations: first.correlations,
    madeAt,
    seconds: (madeAt - startedAt) / 1000,
  };
}

function empty({ name, type }: DataColumn, rows: number): ColumnProfile {
  return { name, type, family: familyOf({ type }), count: 0, nulls: rows, distinct: 0 };
}

async function firstScan(engine: QueryEngine, request: ProfileRequest, options: RunOptions) {
  const { columns, rows } = request;
  const groups = inGroups(columns.map((of, index) => ({ of, index })));
  const queries: Query[] = groups.map((group) => {
    const ofGroup = group.map(({ of }) => of);
    return askAll(ofGroup.map(firstAsks), firstColumns(ofGroup));
  });
  const pairs = correlatedPairs(request);
  const compared = rows > 0 && rows <= MOST_COMPARED_ROWS && columns.length <= MOST_COMPARED_COLUMNS;
  const results = await ask(
    engine,
    request,
    [
      ...queries,
      ...(pairs.length > 0 ? [correlationQuery(pairs, rows)] : []),
      ...(compared ? [askAll([{ rows: distinctRows(columns) }])] : []),
    ],
    options,
  );
  const found: ColumnProfile[] = [];
  for (const [at, group] of groups.entries()) {
    const answers = answersOf(results[at]);
    for (const [i, { of, index }] of group.entries()) found[index] = readFirst(of, rows, answers(i));
  }
  const correlations = pairs.length > 0 ? readCorrelations(pairs, results[groups.length]) : [];
  const distinct = compared ? numberOf(answersOf(results.at(-1))(0).get('rows')) : undefined;
  return { columns: found, correlations, distinct };
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

async function secondScan(
  engine: QueryEngine,
  request: ProfileRequest,
  first: readonly ColumnProfile[],
  options: RunOptions,
): Promise<Map<number, ColumnProfile>> {
  const known = request.columns.flatMap((of, index) => {
    const profile = first[index];
    return profile === undefined ? [] : [{ of, index, profile }];
  });
  const pictures = known.flatMap((one) => {
    const picture = pictureAsk(one.of, one.profile);
    return picture === undefined ? [] : [{ ...one, picture }];
  });
  const counted = known.filter(({ profile }) => hasTop(profile));
  const isText = ({ profile }: (typeof known)[number]) => profile.family === 'text';
  const tops = [...counted.filter(isText), ...counted.filter((one) => !isText(one))].slice(0, MOST_TOPS);
  const groups = inGroups(pictures);
  const complete = new Map<number, ColumnProfile>();
  if (groups.length + tops.length === 0) return complete;
  const queries = [
    ...groups.map((group) => askAll(group.map(({ picture }) => ({ picture: picture.ask })))),
    ...tops.map(({ of }) => topQuery(of)),
  ];
  const results = await ask(engine, request, queries, options);
  for (const [at, group] of groups.entries()) {
    const answers = answersOf(results[at]);
    for (const [i, { index, profile, picture }] of group.entries()) {
      const histogram = readPicture(answers(i).get('picture'), picture);
      complete.set(index, { ...profile, ...(histogram !== undefined && { histogram }) });
    }
  }
  for (const [at, { index, profile }] of tops.entries()) {
    const rows = results[groups.length + at]?.rows ?? [];
    const top = rows
      .slice(0, TOP)
      .map(([value = null, count]) => ({ value: shown(value), count: numberOf(count) ?? 0 }));
    complete.set(index, { ...(complete.get(index) ?? profile), top, topComplete: rows.length <= TOP });
  }
  return complete;
}

function shown(value: Cell): string | number | boolean | null {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

function inGroups<T>(items: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += COLUMNS_AT_ONCE) groups.push(items.slice(at, at + COLUMNS_AT_ONCE));
  return groups;
}

/** The one row of `askAll`, by index of the ask. */
export function answersOf(result: StatementResult | undefined): (index: number) => ReadonlyMap<string, Cell> {
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

/** Several queries over the same rows in one job; the answers in their order. */
async function ask(
  engine: QueryEngine,
  { data, owner }: ProfileRequest,
  queries: readonly Query[],
  options: RunOptions,
): Promise<readonly StatementResult[]> {
  const [query, ...others] = queries;
  if (query === undefined) return [];
  const output = { type: 'rows', limit: 1000 } as const;
  const job = { tables: { data }, query, output, more: others.map((other) => ({ query: other, output })), owner };
  const { more, ...result } = await engine.run(job, options);
  return [result, ...more];
}
