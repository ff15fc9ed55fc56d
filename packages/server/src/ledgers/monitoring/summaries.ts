/** What rows are like, column by column: few rows are looked at one by one, many by a scan that counts between edges. */
import { aggregate, call, column, literal, named } from '#engines/query/model/build.ts';
import type { AggregateExpression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { quantileEdges, rising, withoutGaps } from '#lib/statistics/bins.ts';
import {
  KEPT_VALUES,
  MOST_CATEGORIES,
  summarizeCategories,
  summarizeNumbers,
  type CategorySummary,
  type ColumnSummary,
  type Lattice,
  type NumberSummary,
} from '#lib/statistics/column-summary.ts';
import { cellsOf, count, figure, wordsOf, type Asking, type Rows } from './asking.ts';
import { finiteOf, isNumeric, keyOfField, numberOf, wordOf, type Field } from './fields.ts';

/** Columns of one scan: a row of answers stays small enough for a planner. */
const AT_ONCE = 100;
/** Of numbers: as fine as 1 % of the baseline. */
const PARTS = 100;
/**
 * Rows of which edges are found, and that are counted between them: shares are then within 0.2 % (three deviations), as near as a
 * t-digest of all rows comes. To find the bin of a value costs more than all else that is asked of it.
 */
const SAMPLED_ROWS = 250_000;
/** Fewer rows are all counted: a sample of half of them saves nothing. */
const MOST_COUNTED = 2 * SAMPLED_ROWS;
const SEED = 1;
/** Numbers of so few different values are counted one by one. */
const FEW_VALUES = 50;

/** Between what numbers are counted: those of the baseline, so that both sides can be compared. */
export interface Edges {
  readonly edges: readonly number[];
  readonly lattice: Lattice;
}

export interface Summarized {
  readonly field: Field;
  readonly summary: ColumnSummary;
}

/** `edges`: of the baseline, by field; a field without gets edges of its own. */
export async function summarize(
  asking: Asking,
  { tables, relation }: Rows,
  fields: readonly Field[],
  { rows, edges }: { readonly rows: number; readonly edges: ReadonlyMap<string, Edges> },
): Promise<Summarized[]> {
  if (fields.length === 0) return [];
  if (rows <= KEPT_VALUES) return await fewRows(asking, { tables, relation }, fields, edges);
  const numbers = fields.filter(isNumeric);
  const own = numbers.filter((field) => !edges.has(keyOfField(field)));
  const some: Rows = { tables, relation: sampled(relation, rows) };
  const all = new Map([...edges, ...(await findEdges(asking, { tables, relation }, some, own))]);
  const summaries = [
    ...(await scanNumbers(asking, { tables, relation }, some, numbers, all)),
    ...(await countWords(
      asking,
      { tables, relation },
      fields.filter((field) => !isNumeric(field)),
      rows,
    )),
  ];
  const order = new Map(fields.map((field, at) => [keyOfField(field), at]));
  return summaries.toSorted((a, b) => (order.get(keyOfField(a.field)) ?? 0) - (order.get(keyOfField(b.field)) ?? 0));
}

function sampled(relation: Relation, rows: number): Relation {
  return rows <= MOST_COUNTED
    ? relation
    : { type: 'sample', from: relation, size: { share: SAMPLED_ROWS / rows }, seed: SEED };
}

async function fewRows(
  asking: Asking,
  { tables, relation }: Rows,
  fields: readonly Field[],
  edges: ReadonlyMap<string, Edges>,
): Promise<Summarized[]> {
  const groups = inGroups(fields);
  const queries = groups.map((group) => ({
    query: {
      type: 'project',
      from: relation,
      columns: group.map((field, at) => named(`c${at}`, isNumeric(field) ? numberOf(field) : wordOf(field))),
    } satisfies Relation,
    limit: KEPT_VALUES * 2,
  }));
  const answers = await asking.ask(tables, queries);
  return groups.flatMap((group, place) =>
    group.map((field, at): Summarized => {
      const cells = (answers[place]?.rows ?? []).map((row) => row[at] ?? null);
      if (!isNumeric(field)) {
        return { field, summary: summarizeCategories(cells.map((cell) => (cell === null ? null : wordsOf(cell)))) };
      }
      const values = cells.map((cell) => (cell === null ? null : Number(cell)));
      const { edges: cuts, lattice } = edges.get(keyOfField(field)) ?? edgesOfValues(values);
      return { field, summary: summarizeNumbers(values, cuts, lattice) };
    }),
  );
}

function edgesOfValues(values: readonly (number | null)[]): Edges {
  const sorted = values.filter((value): value is number => Number.isFinite(value)).toSorted((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  if (distinct.length <= FEW_VALUES) return { edges: distinct.slice(0, -1), lattice: 'values' };
  const whole = distinct.every((value) => Number.isInteger(value));
  return edgesFrom(quantileEdges(sorted, PARTS), whole);
}

/** Where the baseline has a gap, bins across it are split; whole numbers have none between them. */
function edgesFrom(quantiles: readonly number[], whole: boolean): Edges {
  const edges = withoutGaps(rising(quantiles));
  return whole ? { edges: rising(edges.map(Math.floor)), lattice: 'whole' } : { edges, lattice: 'spread' };
}

async function findEdges(
  asking: Asking,
  { tables, relation }: Rows,
  some: Rows,
  fields: readonly Field[],
): Promise<ReadonlyMap<string, Edges>> {
  const shares = Array.from({ length: PARTS - 1 }, (_, at) => (at + 1) / PARTS);
  const found = new Map<string, Edges>();
  const few: Field[] = [];
  for (const group of inGroups(fields)) {
    const [cells = new Map()] = await askAll(asking, group, [
      [
        some,
        (name) => ({
          quantiles: aggregate('approx-quantiles', [column(name)], { parameters: shares }),
          distinct: aggregate('approx-count-distinct', [column(name)]),
          whole: aggregate('all', [call('=', column(name), call('floor', column(name)))]),
        }),
      ],
    ]);
    for (const [at, field] of group.entries()) {
      const of = (what: string) => cells.get(`${at}_${what}`);
      if (count(of('distinct')) <= FEW_VALUES) few.push(field);
      const list = of('quantiles');
      const cuts = Array.isArray(list) ? (list as readonly Cell[]).flatMap((cell) => figure(cell) ?? []) : [];
      found.set(keyOfField(field), edgesFrom(cuts, of('whole') === true));
    }
  }
  const queries = few.map((field) => ({
    query: {
      type: 'sort',
      from: {
        type: 'distinct',
        from: {
          type: 'filter',
          from: { type: 'project', from: relation, columns: [named('v', finiteOf(field))] },
          where: call('is-not-null', column('v')),
        },
      },
      by: [{ expression: column('v') }],
    } satisfies Relation,
    limit: FEW_VALUES * 2,
  }));
  const answers = await asking.ask(tables, queries);
  for (const [at, field] of few.entries()) {
    const values = (answers[at]?.rows ?? []).flatMap(([cell]) => figure(cell) ?? []);
    if (values.length <= FEW_VALUES) found.set(keyOfField(field), { edges: values.slice(0, -1), lattice: 'values' });
  }
  return found;
}

/** Moments of all rows, counts between edges of some. */
async function scanNumbers(
  asking: Asking,
  rows: Rows,
  some: Rows,
  fields: readonly Field[],
  edges: ReadonlyMap<string, Edges>,
): Promise<Summarized[]> {
  const moments: Asks = (name) => {
    const value = column(name);
    return {
      count: aggregate('count', [value]),
      values: aggregate('count', [column(`v${name}`)]),
      nans: aggregate('count', [], { where: call('is-nan', column(`v${name}`)) }),
      rows: aggregate('count'),
      min: aggregate('min', [value]),
      max: aggregate('max', [value]),
      mean: aggregate('mean', [value]),
      variance: aggregate('variance', [value]),
    };
  };
  const bins: Asks = (name, field) => {
    const { edges: cuts } = edges.get(keyOfField(field)) ?? { edges: [] };
    const value = column(name);
    const [first, last] = [cuts[0], cuts.at(-1)];
    if (first === undefined || last === undefined) return { counted: aggregate('count', [value]) };
    return {
      bins: aggregate('histogram', [value], { parameters: [...cuts], withoutNan: true }),
      low: aggregate('sum', [value], { where: call('<=', value, literal(first, 'float64')) }),
      high: aggregate('sum', [value], { where: call('>', value, literal(last, 'float64')) }),
    };
  };
  // All of them at once, where all rows are counted: they are read once.
  const both: Asks = (name, field) => ({ ...moments(name, field), ...bins(name, field) });
  const found: Summarized[] = [];
  for (const group of inGroups(fields)) {
    const answers = await askAll(
      asking,
      group,
      some.relation === rows.relation
        ? [[rows, both]]
        : [
            [rows, moments],
            [some, bins],
          ],
    );
    const cells = new Map(answers.flatMap((answer) => [...answer]));
    for (const [at, field] of group.entries()) {
      const of = (what: string) => cells.get(`${at}_${what}`);
      found.push({ field, summary: readNumbers(of, edges.get(keyOfField(field)) ?? { edges: [], lattice: 'spread' }) });
    }
  }
  return found;
}

function readNumbers(of: (what: string) => Cell | undefined, { edges, lattice }: Edges): NumberSummary {
  const finite = count(of('count'));
  const values = count(of('values'));
  const nans = count(of('nans'));
  const list = of('bins');
  const told = Array.isArray(list) ? (list as readonly Cell[]).map(count) : [];
  // The query engine leaves the last count out where nothing lies beyond the last edge.
  const counts = Array.from({ length: edges.length + 1 }, (_, at) => told[at] ?? 0);
  const mean = figure(of('mean'));
  return {
    type: 'numbers',
    count: finite,
    nulls: count(of('rows')) - values,
    nans,
    infinities: values - finite - nans,
    ...(finite > 0 && { min: figure(of('min')), max: figure(of('max')), mean }),
    squares: (figure(of('variance')) ?? 0) * Math.max(0, finite - 1),
    bins: { edges, counts: edges.length === 0 ? [finite] : counts },
    tails:
      edges.length === 0
        ? { low: (mean ?? 0) * finite, high: 0 }
        : { low: figure(of('low')) ?? 0, high: figure(of('high')) ?? 0 },
    lattice,
  };
}

type Asks = (name: string, field: Field) => Readonly<Record<string, AggregateExpression>>;

/** One row each, over a projection that works each value out once: `c0`, … finite, `vc0`, … as they are. */
async function askAll(
  asking: Asking,
  fields: readonly Field[],
  asked: readonly (readonly [Rows, Asks])[],
): Promise<readonly ReadonlyMap<string, Cell>[]> {
  const values: NamedExpression[] = fields.flatMap((field, at) => [
    named(`c${at}`, finiteOf(field)),
    named(`vc${at}`, numberOf(field)),
  ]);
  const [first] = asked;
  if (first === undefined) return [];
  const queries = asked.map(([{ relation }, asks]) => ({
    query: {
      type: 'aggregate',
      from: { type: 'project', from: relation, columns: values },
      by: [],
      columns: fields.flatMap((field, at) =>
        Object.entries(asks(`c${at}`, field)).map(([what, ask]) => named(`${at}_${what}`, ask)),
      ),
    } satisfies Relation,
    limit: 1,
  }));
  return (await asking.ask(first[0].tables, queries)).map((answer) => cellsOf(answer));
}

async function countWords(
  asking: Asking,
  { tables, relation }: Rows,
  fields: readonly Field[],
  rows: number,
): Promise<Summarized[]> {
  const queries = fields.map((field) => ({
    query: {
      type: 'limit',
      from: {
        type: 'sort',
        from: {
          type: 'aggregate',
          from: { type: 'project', from: relation, columns: [named('word', wordOf(field))] },
          by: [named('word', column('word'))],
          // Of all rows: what the limit cuts off is known by it.
          columns: [named('n', aggregate('count'))],
        },
        by: [
          { expression: call('is-null', column('word')), descending: true },
          { expression: column('n'), descending: true },
          { expression: column('word') },
        ],
      },
      count: MOST_CATEGORIES + 1,
    } satisfies Relation,
    limit: MOST_CATEGORIES + 1,
  }));
  const answers = await asking.ask(tables, queries);
  return fields.map((field, at): Summarized => {
    const counts = new Map<string, number>();
    let nulls = 0;
    for (const [word, n] of answers[at]?.rows ?? []) {
      if (word === null || word === undefined) nulls += count(n);
      else if (counts.size < MOST_CATEGORIES) counts.set(wordsOf(word), count(n));
    }
    const values = rows - nulls;
    const counted = [...counts.values()].reduce((sum, n) => sum + n, 0);
    const summary: CategorySummary = { type: 'categories', count: values, nulls, counts, rest: values - counted };
    return { field, summary };
  });
}

function inGroups<T>(items: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) groups.push(items.slice(at, at + AT_ONCE));
  return groups;
}
