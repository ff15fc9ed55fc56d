/** Differences between two versions. */
import { DaisError } from '@dais/api';
import type { DatasetVersion, diffDatasetVersionsOperation } from '@dais/api/data';
import type { Cell, QueryEngine, Statement, TableSource } from '#engines/query/contract.ts';
import { aggregate, allOf, call as fn, column, filter, literal, named } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { Call, CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { previousReady } from '../versions/version-rows.ts';
import { findReadable, maskedView, withTables, type ReadableVersion } from './read-version.ts';

/** Maximum number of columns with statistics. */
const MAX_STATISTICS = 200;
/** Maximum number of columns in a sample. */
const SHOWN = 50;

export async function diffVersions(dependencies: DataDependencies, call: CallOf<typeof diffDatasetVersionsOperation>) {
  const { name, version: which, from, samples } = call.input;
  const after = await findReadable(dependencies, call, `${name}@${which}`);
  const before = await findReadable(
    dependencies,
    call,
    `${name}@${from ?? (await numberBefore(dependencies, call, after.version))}`,
  );
  const plan = diffPlan(before, after);
  const engine = await dependencies.query();
  const run = { signal: call.context.signal, owner: call.tenant.id };
  const diff = await withTables(dependencies, { before: before.version, after: after.version }, async (tables) => ({
    rows: await compareRows(engine, tables, plan, { samples, ...run }),
    distribution: await compareStatistics(engine, tables, plan, run),
  }));
  const shared = new Set(before.version.files.map(({ digest }) => digest));
  const kept = after.version.files.filter(({ digest }) => shared.has(digest)).length;
  return {
    dataset: name,
    from: before.version.number,
    to: after.version.number,
    identical: before.version.digest === after.version.digest,
    schema: schemaDiff(before.version, after.version),
    files: { shared: kept, added: after.version.fileCount - kept, removed: before.version.fileCount - kept },
    keys: [...plan.keys],
    ...diff.rows,
    distribution: diff.distribution,
    masked: [...new Set([...before.masked, ...after.masked].map((one) => one.column))],
  };
}

async function numberBefore(
  { database }: DataDependencies,
  { tenant }: Call,
  version: DatasetVersion,
): Promise<number> {
  const request = { mode: 'read', projectId: tenant.id } as const;
  const found = await transact(database, request, async (tx) => previousReady(tx, version.dataset, version.number));
  if (found !== undefined) return found.number;
  throw new DaisError(
    'not_found',
    `${version.dataset} has no ready version before ${version.number} to compare with. Set \`from\`.`,
  );
}

function schemaDiff({ schema: before }: DatasetVersion, { schema: after }: DatasetVersion) {
  const old = new Map(before.columns.map(({ name, type }) => [name, type]));
  const now = new Map(after.columns.map(({ name, type }) => [name, type]));
  return {
    added: after.columns.filter(({ name }) => !old.has(name)).map(({ name, type }) => ({ name, after: type })),
    removed: before.columns.filter(({ name }) => !now.has(name)).map(({ name, type }) => ({ name, before: type })),
    changed: after.columns.flatMap(({ name, type }) => {
      const was = old.get(name);
      return was === undefined || was === type ? [] : [{ name, before: was, after: type }];
    }),
  };
}

interface DiffPlan {
  readonly before: Relation;
  readonly after: Relation;
  readonly keys: readonly string[];
  /** Columns of both versions without the keys. */
  readonly common: readonly string[];
  readonly columns: readonly string[];
  readonly types: ReadonlyMap<string, string>;
  readonly rowsBefore: number;
  readonly rowsAfter: number;
}

/** Compares masked views, so that differences do not reveal masked values. */
function diffPlan(before: ReadableVersion, after: ReadableVersion): DiffPlan {
  const types = new Map(after.version.schema.columns.map(({ name, type }) => [name, type]));
  const old = new Set(before.version.schema.columns.map(({ name }) => name));
  const both = [...types.keys()].filter((one) => old.has(one));
  const masked = new Set([...before.masked, ...after.masked].map((one) => one.column));
  // A mask replaces a number by a text.
  for (const name of masked) if (types.has(name)) types.set(name, 'string');
  const { keys } = after.version;
  const usable = keys.length > 0 && keys.every((key) => both.includes(key) && !masked.has(key)) ? keys : [];
  return {
    before: maskedView('before', before),
    after: maskedView('after', after),
    keys: usable,
    common: both.filter((one) => !usable.includes(one)),
    columns: both,
    types,
    rowsBefore: before.version.rows,
    rowsAfter: after.version.rows,
  };
}

interface Compared {
  readonly rows: { before: number; after: number; added: number; removed: number; changed: number };
  readonly changedColumns: { name: string; rows: number }[];
  readonly samples: {
    columns: string[];
    added: (readonly Cell[])[];
    removed: (readonly Cell[])[];
    changedColumns: string[];
    changed: (readonly Cell[])[];
  };
}

type Run = { readonly signal: AbortSignal; readonly owner: string };

async function compareRows(
  engine: QueryEngine,
  tables: Readonly<Record<string, TableSource>>,
  plan: DiffPlan,
  { samples, signal, owner }: Run & { readonly samples: number },
): Promise<Compared> {
  return plan.keys.length > 0
    ? await byKeys(engine, tables, plan, { samples, signal, owner })
    : await byWholeRows(engine, tables, plan, { samples, signal, owner });
}

const one = (query: Relation, columns: readonly (readonly [string, Expression])[]): Statement => ({
  query: { type: 'aggregate', from: query, by: [], columns: columns.map(([as, expression]) => named(as, expression)) },
  output: { type: 'rows', limit: 1 },
});
const some = (query: Relation, limit: number): Statement => ({
  query: { type: 'limit', from: query, count: Math.max(1, limit) },
  output: { type: 'rows', limit: Math.max(1, limit) },
});
const chosen = (from: Relation, columns: readonly string[]): Relation => ({
  type: 'project',
  from,
  keep: 'none',
  columns: columns.map((name) => named(name, column(name))),
});

async function byKeys(
  engine: QueryEngine,
  tables: Readonly<Record<string, TableSource>>,
  { before, after, keys, common, columns, rowsBefore, rowsAfter }: DiffPlan,
  { samples, signal, owner }: Run & { readonly samples: number },
): Promise<Compared> {
  const pairs = keys.map((key) => ({ left: key, right: key }));
  const was = (name: string) => `${name} before`;
  const only = (left: Relation, right: Relation): Relation => ({
    type: 'join',
    kind: 'anti',
    left,
    right,
    keys: pairs,
  });
  const joined: Relation = {
    type: 'join',
    kind: 'inner',
    left: after,
    right: before,
    keys: pairs,
    take: common.map((name) => ({ column: name, as: was(name) })),
  };
  const differs = (name: string) => fn('differs', column(name), column(was(name)));
  const changed = common.length === 0 ? undefined : filter(joined, anyOf(common.map(differs)));
  const shown = common.slice(0, SHOWN);
  const sides = [...keys, ...shown.flatMap((name) => [was(name), name])];
  const listed = columns.slice(0, SHOWN + keys.length);
  const statements: Statement[] = [
    one(only(after, before), [['n', aggregate('count')]]),
    one(only(before, after), [['n', aggregate('count')]]),
    some(chosen(only(after, before), listed), samples),
    some(chosen(only(before, after), listed), samples),
    ...(changed === undefined
      ? []
      : [
          one(changed, [
            ['n', aggregate('count')],
            ...common.map((name, at) => [`c${at}`, aggregate('count', [], { where: differs(name) })] as const),
          ]),
          some(chosen(changed, sides), samples),
        ]),
  ];
  const [first, ...more] = statements;
  if (first === undefined) throw new Error('the query has no statement');
  const result = await engine.run({ tables, ...first, more, owner }, { signal });
  const [removed, addedRows, removedRows, counts, changedRows] = result.more;
  const figures = counts?.rows[0] ?? [];
  return {
    rows: {
      before: rowsBefore,
      after: rowsAfter,
      added: Number(result.rows[0]?.[0] ?? 0),
      removed: Number(removed?.rows[0]?.[0] ?? 0),
      changed: Number(figures[0] ?? 0),
    },
    changedColumns: common
      .map((name, at) => ({ name, rows: Number(figures[at + 1] ?? 0) }))
      .filter(({ rows }) => rows > 0)
      .toSorted((a, b) => b.rows - a.rows),
    samples: {
      columns: [...listed],
      added: (addedRows?.rows ?? []).slice(0, samples),
      removed: (removedRows?.rows ?? []).slice(0, samples),
      changedColumns: sides,
      changed: (changedRows?.rows ?? []).slice(0, samples),
    },
  };
}

function anyOf(conditions: readonly Expression[]): Expression {
  return conditions.length === 1 ? (conditions[0] ?? literal(false)) : fn('or', ...conditions);
}

/** Without keys, a changed row counts as one removed and one added row. Equal rows count individually. */
async function byWholeRows(
  engine: QueryEngine,
  tables: Readonly<Record<string, TableSource>>,
  { before, after, columns, rowsBefore, rowsAfter }: DiffPlan,
  { samples, signal, owner }: Run & { readonly samples: number },
): Promise<Compared> {
  const side = (from: Relation, [was, is]: readonly [number, number]): Relation => ({
    type: 'project',
    from: chosen(from, columns),
    keep: 'all',
    columns: [named('was here', literal(was)), named('is here', literal(is))],
  });
  const times: Relation = {
    type: 'aggregate',
    from: { type: 'union', of: [side(before, [1, 0]), side(after, [0, 1])] },
    by: columns.map((name) => named(name, column(name))),
    columns: [
      named('was here', aggregate('sum', [column('was here')])),
      named('is here', aggregate('sum', [column('is here')])),
    ],
  };
  const more = (a: string, b: string) => fn('greatest', fn('-', column(a), column(b)), literal(0));
  const listed = columns.slice(0, SHOWN);
  const counts = one(times, [
    ['added', aggregate('sum', [more('is here', 'was here')])],
    ['removed', aggregate('sum', [more('was here', 'is here')])],
  ]);
  const rowsOf = (a: string, b: string) =>
    some(chosen(filter(times, allOf(fn('>', column(a), column(b)))), listed), samples);
  const result = await engine.run(
    { tables, ...counts, more: [rowsOf('is here', 'was here'), rowsOf('was here', 'is here')], owner },
    { signal },
  );
  return {
    rows: {
      before: rowsBefore,
      after: rowsAfter,
      added: Number(result.rows[0]?.[0] ?? 0),
      removed: Number(result.rows[0]?.[1] ?? 0),
      changed: 0,
    },
    changedColumns: [],
    samples: {
      columns: [...listed],
      added: (result.more[0]?.rows ?? []).slice(0, samples),
      removed: (result.more[1]?.rows ?? []).slice(0, samples),
      changedColumns: [],
      changed: [],
    },
  };
}

const NUMBER = /^(u?int\d+|float\d+|decimal.*)$/;

/** Runs one scan per version. */
async function compareStatistics(
  engine: QueryEngine,
  tables: Readonly<Record<string, TableSource>>,
  { before, after, columns, types }: DiffPlan,
  { signal, owner }: Run,
) {
  const compared = columns.slice(0, MAX_STATISTICS);
  const isNumber = (name: string) => NUMBER.test(types.get(name) ?? '');
  const figures = (from: Relation) =>
    one(from, [
      ['rows', aggregate('count')],
      ...compared.flatMap((name, at) => [
        [`v${at}`, aggregate('count', [column(name)])] as const,
        [`d${at}`, aggregate('approx-count-distinct', [column(name)])] as const,
        ...(isNumber(name)
          ? [
              [`m${at}`, aggregate('mean', [column(name)])] as const,
              [`s${at}`, aggregate('stddev', [column(name)])] as const,
            ]
          : []),
      ]),
    ]);
  const result = await engine.run({ tables, ...figures(before), more: [figures(after)], owner }, { signal });
  const sides = [result, result.more[0] ?? result].map((side) => {
    const values = side.rows[0] ?? [];
    return new Map(side.columns.map(({ name }, at) => [name, values[at] ?? null]));
  });
  const pair = (key: string): [Cell, Cell] => [sides[0]?.get(key) ?? null, sides[1]?.get(key) ?? null];
  const both = (cells: [Cell, Cell], of: (cell: Cell, at: number) => number): [number, number] => [
    of(cells[0], 0),
    of(cells[1], 1),
  ];
  const figure = (cell: Cell) => (typeof cell === 'number' ? cell : null);
  const rows = both(pair('rows'), Number);
  return compared.map((name, at) => {
    const nulls = both(pair(`v${at}`), (cell, side) => {
      const all = rows[side] ?? 0;
      return all === 0 ? 0 : 1 - Number(cell) / all;
    });
    const figuresOf = (key: string): [number | null, number | null] => {
      const [was, is] = pair(key);
      return [figure(was), figure(is)];
    };
    return {
      name,
      type: types.get(name) ?? '',
      nulls,
      distinct: both(pair(`d${at}`), Number),
      ...(isNumber(name) && { mean: figuresOf(`m${at}`), deviation: figuresOf(`s${at}`) }),
    };
  });
}
