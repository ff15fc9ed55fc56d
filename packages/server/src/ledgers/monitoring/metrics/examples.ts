/** Example rows that differ from the baseline. */
import type { MonitorExample } from '@dais/api/monitoring';
import { call, column, filter, literal, named } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import { count, cellText, type QueryRunner } from '../query-runner.ts';
import type { ComparedField } from '../checks/compared-fields.ts';
import type { CheckOutcome } from '../checks/outcome.ts';
import { finiteOf, isNumeric, keyOfField, categoryText, type Field } from './fields.ts';
import type { OpenWindow } from '../windows/window.ts';

/** Maximum number of columns with examples, and of rows per column. */
const MAX_COLUMNS = 5;
const MAX_ROWS = 5;

export async function findExamples(
  runner: QueryRunner,
  { data, identity, fields: all }: OpenWindow,
  fields: readonly ComparedField[],
  outcomes: readonly CheckOutcome[],
): Promise<MonitorExample[]> {
  if (identity === undefined) return [];
  const bad = new Set(
    outcomes.flatMap(({ results }) =>
      results.flatMap(({ status, column: name }) => (status === 'failing' ? (name ?? []) : [])),
    ),
  );
  const byKey = new Map(all.map((field) => [keyOfField(field), field]));
  const requested = fields
    .filter(({ field }) => bad.has(field.name) && !field.masked)
    .flatMap((compared) => {
      const field = byKey.get(keyOfField(compared.field));
      const odd = field === undefined ? undefined : largestIncrease(compared, field);
      return field === undefined || odd === undefined ? [] : [{ field, odd }];
    })
    .slice(0, MAX_COLUMNS);
  if (requested.length === 0) return [];
  const answers = await runner.queryAll(
    data.tables,
    requested.map(({ field, odd }) => ({
      query: {
        type: 'limit',
        from: {
          type: 'sort',
          from: {
            type: 'project',
            from: filter(data.relation, odd.where),
            columns: [named('p', identity.prediction), named('r', identity.row), named('v', shown(field))],
          },
          by: [{ expression: column('p') }, { expression: column('r') }],
        },
        count: MAX_ROWS,
      } satisfies Relation,
      limit: MAX_ROWS,
    })),
  );
  return requested.map(({ field, odd }, at) => ({
    column: field.name,
    why: odd.why,
    rows: (answers[at]?.rows ?? []).map(([prediction, row, value]) => ({
      ...(typeof prediction === 'string' && { prediction }),
      row: count(row),
      value: value === null || value === undefined ? 'null' : cellText(value),
    })),
  }));
}

function shown(field: Field): Expression {
  return call('left', { type: 'cast', value: field.value, to: 'string' }, literal(200));
}

function totalOf(counts: readonly number[]): number {
  return Math.max(
    1,
    counts.reduce((sum, n) => sum + n, 0),
  );
}

/** Finds the bin or category with the largest increase compared with the baseline. */
function largestIncrease(
  { current, baseline }: ComparedField,
  field: Field,
): { where: Expression; why: string } | undefined {
  const then = baseline?.summary;
  if (then === undefined || current.count === 0 || then.count === 0) return undefined;
  if (current.type === 'numbers' && then.type === 'numbers' && isNumeric(field)) {
    const { edges, counts } = current.bins;
    if (edges.length === 0 || edges.length !== then.bins.edges.length) return undefined;
    // Large windows are counted by a sample.
    const [now, before] = [totalOf(counts), totalOf(then.bins.counts)];
    const gain = counts.map((n, at) => n / now - (then.bins.counts[at] ?? 0) / before);
    const at = gain.indexOf(Math.max(...gain));
    const value = finiteOf(field);
    const [low, high] = [edges[at - 1], edges[at]];
    const where = call(
      'and',
      low === undefined ? literal(true) : call('>', value, literal(low, 'float64')),
      high === undefined ? literal(true) : call('<=', value, literal(high, 'float64')),
    );
    return {
      where: call('and', call('is-not-null', value), where),
      why: 'The values are less frequent in the baseline.',
    };
  }
  if (current.type === 'categories' && then.type === 'categories' && !isNumeric(field)) {
    const gains = [...current.counts].map(([value, n]) => ({
      value,
      gain: n / current.count - (then.counts.get(value) ?? 0) / then.count,
    }));
    const most = gains.reduce<(typeof gains)[number] | undefined>(
      (best, one) => (best === undefined || one.gain > best.gain ? one : best),
      undefined,
    );
    if (most === undefined) return undefined;
    return {
      where: call('=', categoryText(field), literal(most.value)),
      why: `The value is ${then.counts.has(most.value) ? 'less frequent in' : 'not in'} the baseline.`,
    };
  }
  return undefined;
}
