/** Expectations about the splits of a dataset. */
import type { CheckFinding } from '@dais/api/data';
import { aggregate, call, column, literal, named as as, scan } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import { familyOf, numericValueOf, categoryText } from '../column-values.ts';
import { countsBy, relationOf } from './check-queries.ts';
import {
  ExpectationError,
  findColumn,
  named,
  otherVersion,
  pickColumns,
  type Check,
  type CheckContext,
} from './check-context.ts';
import { comparedColumns } from './distribution-checks.ts';
import { compare, type Side } from './distribution.ts';
import { asCount, asNumber, countText, isWithinLimit, shareText, cellText } from './formats.ts';

/** A column with more values is not a split. */
const MAX_SPLITS = 100;

export const splitOverlap: Check<'splitOverlap'> = async (expectation, context) => {
  const { split, atMost } = expectation;
  const names = expectation.columns ?? context.columns.map(({ name }) => name).filter((name) => name !== split);
  const { missing } = pickColumns(context, [...names, ...(split === undefined ? [] : [split])]);
  if (missing.length > 0) return { findings: missing };
  const { offending, where } =
    split === undefined ? inOther(expectation.with ?? '', names, context) : inSplits(split, names);
  const counted: Relation = { type: 'aggregate', from: offending, by: [], columns: [as('rows', aggregate('count'))] };
  const broken = asCount((await context.queries.rows(counted, 1)).rows[0]?.[0]);
  const share = context.rows === 0 ? 0 : broken / context.rows;
  const failed = !isWithinLimit(broken, context.rows, 1 - atMost);
  const sorted: Relation = { type: 'sort', from: offending, by: names.map((name) => ({ expression: column(name) })) };
  return {
    findings: [
      {
        ...(expectation.columns !== undefined && { column: names.join(', ') }),
        ...(failed && { anomaly: 'SPLIT_OVERLAP_ROWS' as const }),
        observed: `${countText(broken)} of ${countText(context.rows)} are also in ${where} (${shareText(share)})`,
        allowed: atMost === 0 ? 'none' : `at most ${shareText(atMost)}`,
        value: share,
        rows: context.rows,
        broken,
      },
    ],
    ...(failed && { offending: sorted, total: broken, show: [...(split === undefined ? [] : [split]), ...names] }),
  };
};

function inSplits(split: string, names: readonly string[]): { offending: Relation; where: string } {
  const groups: Relation = {
    type: 'aggregate',
    from: scan('data'),
    by: names.map((name) => as(name, column(name))),
    columns: [as('different splits', aggregate('count-distinct', [column(split)]))],
    having: call('>', column('different splits'), literal(1)),
  };
  const keys = names.map((name) => ({ left: name, right: name }));
  return {
    offending: { type: 'join', kind: 'semi', left: scan('data'), right: groups, keys, nullsMeet: true },
    where: 'another split',
  };
}

function inOther(
  name: string,
  names: readonly string[],
  context: CheckContext,
): { offending: Relation; where: string } {
  const other = otherVersion(context, name);
  const lacking = names.find((one) => findColumn(other.columns, one) === undefined);
  if (lacking !== undefined)
    throw new ExpectationError(`${other.name} has no column ${lacking}. Set \`columns\` to columns of both versions.`);
  const right: Relation = { type: 'distinct', from: scan(other.table, names) };
  const keys = names.map((one) => ({ left: one, right: one }));
  return {
    offending: { type: 'join', kind: 'semi', left: scan('data'), right, keys, nullsMeet: true },
    where: other.name,
  };
}

/** Returns the condition for the rows of one split. @throws ExpectationError if the column does not exist */
function ofSplit(context: CheckContext, split: string, value: string): Expression {
  const of = findColumn(context.columns, split);
  if (of === undefined) throw new ExpectationError(`There is no column ${split}.`);
  return call('=', categoryText(of), literal(value));
}

export const splitTime: Check<'splitTime'> = async (expectation, context) => {
  const { split, order } = expectation;
  const name = named(expectation.column, context.eventTime, 'eventTime', 'column');
  const { missing } = pickColumns(context, [split, name]);
  if (missing.length > 0) return { findings: missing };
  const of = findColumn(context.columns, name);
  if (of === undefined || familyOf(of) !== 'time')
    throw new ExpectationError(`${name} is ${of?.type}, not a date or time.`);
  const figure = numericValueOf(of);
  const answers = await context.queries.aggregates(
    { table: 'data' },
    order.flatMap((value) => {
      const where = ofSplit(context, split, String(value));
      return [aggregate('min', [figure], { where }), aggregate('max', [figure], { where })];
    }),
  );
  const moment = (value: number) => new Date(value).toISOString();
  const findings: CheckFinding[] = [];
  for (const [i, value] of order.entries()) {
    const next = order[i + 1];
    if (next === undefined) continue;
    const [last, first] = [asNumber(answers[2 * i + 1]), asNumber(answers[2 * i + 2])];
    if (Number.isNaN(last) || Number.isNaN(first)) {
      const observed = `${Number.isNaN(last) ? value : next} has no times`;
      findings.push({ column: name, anomaly: 'SPLIT_TIME_OVERLAP', observed, allowed: 'times in each split' });
      continue;
    }
    findings.push({
      column: name,
      ...(last > first && { anomaly: 'SPLIT_TIME_OVERLAP' as const }),
      observed: `${value} ends ${moment(last)}, ${next} starts ${moment(first)}`,
      allowed: `${next} does not start before ${value} ends`,
      value: last - first,
    });
  }
  return { findings };
};

export const splitSkew: Check<'splitSkew'> = async (expectation, context) => {
  const { split, metric, atMost, where } = expectation;
  const { found, missing } = comparedColumns(context, expectation, [split]);
  const of = findColumn(context.columns, split);
  if (of === undefined) return { findings: pickColumns(context, [split]).missing };
  const asWord: Relation = {
    type: 'project',
    from: relationOf({ table: 'data', where }),
    keep: 'none',
    columns: [as('split', categoryText(of))],
  };
  const { rows } = await context.queries.rows(countsBy(asWord, ['split'], MAX_SPLITS + 1), MAX_SPLITS + 1);
  if (rows.length > MAX_SPLITS)
    throw new ExpectationError(`${split} has more than ${MAX_SPLITS} values, so it is not a split column.`);
  const reference = String(expectation.reference);
  const splits = rows.flatMap(([value]) => (value === null || value === undefined ? [] : [cellText(value)]));
  if (!splits.includes(reference)) throw new ExpectationError(`No row has ${split} = ${reference}.`);
  const side = (value: string): Side => ({ rows: { table: 'data', where }, only: ofSplit(context, split, value) });
  const others = splits.filter((value) => value !== reference).toSorted();
  const compared = others.flatMap((other) =>
    found.map(async (one) => {
      const comparison = {
        column: one,
        metric,
        atMost,
        against: `${split} ${reference}`,
        anomaly: 'SPLIT_SKEW' as const,
      };
      const finding = await compare(
        context.queries,
        comparison,
        side(reference),
        side(other),
        expectation.columns !== undefined,
      );
      return finding === undefined ? undefined : { ...finding, observed: `${other}: ${finding.observed}` };
    }),
  );
  const labels = others.map(async (other) => await newLabels(context, split, reference, other));
  const findings = await Promise.all([...compared, ...labels]);
  return { findings: [...missing, ...findings.filter((one) => one !== undefined)] };
};

async function newLabels(
  context: CheckContext,
  split: string,
  reference: string,
  other: string,
): Promise<CheckFinding | undefined> {
  const of = context.label === undefined ? undefined : findColumn(context.columns, context.label);
  // A numeric target has no classes.
  if (of === undefined || (familyOf(of) !== 'text' && familyOf(of) !== 'boolean')) return undefined;
  const labeled = (value: string): Relation => ({
    type: 'project',
    from: {
      type: 'filter',
      from: scan('data'),
      where: call('and', ofSplit(context, split, value), call('is-not-null', column(of.name))),
    },
    keep: 'none',
    columns: [as('label', categoryText(of))],
  });
  const keys = [{ left: 'label', right: 'label' }];
  const lost: Relation = { type: 'join', kind: 'anti', left: labeled(other), right: labeled(reference), keys };
  const { rows } = await context.queries.rows(countsBy(lost, ['label'], 6), 6);
  const found = rows.map(([label, count]) => `${cellText(label)} (${countText(asCount(count))})`);
  return {
    column: of.name,
    ...(found.length > 0 && { anomaly: 'SPLIT_NEW_LABEL' as const }),
    observed: found.length === 0 ? `${other}: no additional labels` : `${other}: ${found.join(', ')}`,
    allowed: `only labels of ${split} ${reference}`,
    value: found.length,
  };
}
