/** Summaries of columns. Small windows are summarized from their values; large ones in the query engine. */
import { aggregate, call, column, named } from '#engines/query/model/build.ts';
import type { Statement, StatementResult } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import {
  KEPT_VALUES,
  MOST_CATEGORIES,
  summarizeCategories,
  summarizeNumbers,
  type CategorySummary,
  type ColumnSummary,
} from '#lib/statistics/column-summary.ts';
import { edgesOfValues, type BinEdges } from '#lib/statistics/number-scan.ts';
import { count, cellText, type QueryRunner, type Rows } from '../query-runner.ts';
import { isNumeric, keyOfField, numberOf, categoryText, type Field } from './fields.ts';

/** Maximum number of columns per scan, which keeps a row small for the planner. */
const AT_ONCE = 100;
/** Sample size for histograms: shares are within 0.3 % (three standard deviations), as accurate as a t-digest of all rows. */
const SAMPLED_ROWS = 250_000;
/** Up to this number all rows are counted, because a sampling scan is not faster. */
const MAX_COUNTED = 2_000_000;

export interface Summarized {
  readonly field: Field;
  readonly summary: ColumnSummary;
}

/** Summarizes fields in one job that reads numbers once. `edges`: bin edges of the baseline; other fields get new edges. */
export async function summarize(
  runner: QueryRunner,
  { tables, relation }: Rows,
  fields: readonly Field[],
  { rows, edges }: { readonly rows: number; readonly edges: ReadonlyMap<string, BinEdges> },
): Promise<Summarized[]> {
  if (fields.length === 0) return [];
  if (rows <= KEPT_VALUES) return await fewRows(runner, { tables, relation }, fields, edges);
  const groups = inGroups(fields.filter(isNumeric));
  const words = fields.filter((field) => !isNumeric(field));
  const answers = await runner.run(tables, [
    ...groups.map((group) => numbersOf(relation, group, { rows, edges })),
    ...words.map((field) => wordsCounted(relation, field)),
  ]);
  const found = new Map<string, ColumnSummary>();
  for (const [index, group] of groups.entries()) {
    for (const [at, field] of group.entries()) {
      const summary = answers[index]?.summaries?.[at];
      if (summary !== undefined) found.set(keyOfField(field), summary);
    }
  }
  for (const [at, field] of words.entries()) {
    found.set(keyOfField(field), readCategories(answers[groups.length + at], rows));
  }
  return fields.flatMap((field) => {
    const summary = found.get(keyOfField(field));
    return summary === undefined ? [] : [{ field, summary }];
  });
}

function numbersOf(
  relation: Relation,
  group: readonly Field[],
  { rows, edges }: { readonly rows: number; readonly edges: ReadonlyMap<string, BinEdges> },
): Statement {
  const known = group.flatMap((field, at) => {
    const of = edges.get(keyOfField(field));
    return of === undefined ? [] : [[`c${at}`, of] as const];
  });
  return {
    query: {
      type: 'project',
      from: relation,
      columns: group.map((field, at) => named(`c${at}`, numberOf(field))),
    },
    output: {
      type: 'summary',
      edges: Object.fromEntries(known),
      ...(rows > MAX_COUNTED && { share: SAMPLED_ROWS / rows }),
    },
  };
}

async function fewRows(
  runner: QueryRunner,
  { tables, relation }: Rows,
  fields: readonly Field[],
  edges: ReadonlyMap<string, BinEdges>,
): Promise<Summarized[]> {
  const groups = inGroups(fields);
  const queries = groups.map((group) => ({
    query: {
      type: 'project',
      from: relation,
      columns: group.map((field, at) => named(`c${at}`, isNumeric(field) ? numberOf(field) : categoryText(field))),
    } satisfies Relation,
    limit: KEPT_VALUES * 2,
  }));
  const answers = await runner.queryAll(tables, queries);
  return groups.flatMap((group, index) =>
    group.map((field, at): Summarized => {
      const cells = (answers[index]?.rows ?? []).map((row) => row[at] ?? null);
      if (!isNumeric(field)) {
        return { field, summary: summarizeCategories(cells.map((cell) => (cell === null ? null : cellText(cell)))) };
      }
      const values = cells.map((cell) => (cell === null ? null : Number(cell)));
      const { edges: cuts, lattice } = edges.get(keyOfField(field)) ?? edgesOfValues(values);
      return { field, summary: summarizeNumbers(values, cuts, lattice) };
    }),
  );
}

/** Counts the most frequent categories; NULL is first, so that the limit never cuts it off. */
function wordsCounted(relation: Relation, field: Field): Statement {
  return {
    query: {
      type: 'limit',
      from: {
        type: 'sort',
        from: {
          type: 'aggregate',
          from: { type: 'project', from: relation, columns: [named('word', categoryText(field))] },
          by: [named('word', column('word'))],
          // Of all rows, so that the remainder is known.
          columns: [named('n', aggregate('count'))],
        },
        by: [
          { expression: call('is-null', column('word')), descending: true },
          { expression: column('n'), descending: true },
          { expression: column('word') },
        ],
      },
      count: MOST_CATEGORIES + 1,
    },
    output: { type: 'rows', limit: MOST_CATEGORIES + 1 },
  };
}

function readCategories(answer: StatementResult | undefined, rows: number): CategorySummary {
  const counts = new Map<string, number>();
  let nulls = 0;
  for (const [word, n] of answer?.rows ?? []) {
    if (word === null || word === undefined) nulls += count(n);
    else if (counts.size < MOST_CATEGORIES) counts.set(cellText(word), count(n));
  }
  const values = rows - nulls;
  const counted = [...counts.values()].reduce((sum, n) => sum + n, 0);
  return { type: 'categories', count: values, nulls, counts, rest: values - counted };
}

function inGroups<T>(items: readonly T[]): readonly (readonly T[])[] {
  const groups: T[][] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) groups.push(items.slice(at, at + AT_ONCE));
  return groups;
}
