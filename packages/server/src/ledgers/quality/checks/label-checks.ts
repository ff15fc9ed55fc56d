/** Classes of a label: balance, completeness, and conflicting labels of equal rows. */
import type { CheckFinding } from '@dais/api/data';
import { aggregate, call, column, filter, literal, named as as } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { balanceOf } from '#lib/statistics/association.ts';
import { familyOf, categoryText } from '../column-values.ts';
import { countsBy, relationOf } from './check-queries.ts';
import { ExpectationError, findColumn, named, pickColumns, type Check, type CheckContext } from './check-context.ts';
import { asCount, countText, numberText, isWithinLimit, shareText, cellText } from './formats.ts';

/** A column with more values is not a class label. */
const MAX_CLASSES = 10_000;

export const balance: Check<'balance'> = async (expectation, context) => {
  const name = named(expectation.column, context.label, 'label', 'column');
  const { missing } = pickColumns(context, [name]);
  if (missing.length > 0) return { findings: missing };
  const from = filter(relationOf({ table: 'data', where: expectation.where }), call('is-not-null', column(name)));
  const { rows, truncated } = await context.queries.rows(countsBy(from, [name], MAX_CLASSES), MAX_CLASSES);
  if (truncated || rows.length === MAX_CLASSES)
    throw new ExpectationError(`${name} has more than ${MAX_CLASSES} classes.`);
  const value = balanceOf(rows.map(([, count]) => asCount(count)))[expectation.measure];
  const failed = !(value >= expectation.atLeast - 1e-12);
  const [most, least] = [rows[0], rows.at(-1)];
  const extremes =
    most === undefined || least === undefined
      ? 'no rows with a label'
      : `${rows.length} classes, from ${cellText(most[0])} (${countText(asCount(most[1]))}) to ${cellText(least[0])} (${countText(asCount(least[1]))})`;
  return {
    findings: [
      {
        column: name,
        ...(failed && { anomaly: 'LABEL_IMBALANCE' as const }),
        observed: `${expectation.measure} ${numberText(value)}: ${extremes}`,
        allowed: `at least ${numberText(expectation.atLeast)}`,
        value,
      },
    ],
  };
};

export const classes: Check<'classes'> = async (expectation, context) => {
  const { values, minRows, split, where } = expectation;
  const name = named(expectation.column, context.label, 'label', 'column');
  const { missing } = pickColumns(context, [name, ...(split === undefined ? [] : [split])]);
  if (missing.length > 0) return { findings: missing };
  const of = findColumn(context.columns, name);
  const asText: Relation = {
    type: 'project',
    from: relationOf({ table: 'data', where }),
    columns: [
      as('class', of === undefined ? column(name) : categoryText(of)),
      as('split', split === undefined ? literal('') : column(split)),
    ],
    keep: 'none',
  };
  const { rows, truncated } = await context.queries.rows(countsBy(asText, ['split', 'class'], 100_000), 100_000);
  if (truncated) throw new ExpectationError(`${name} has too many classes to count.`);
  const splits = split === undefined ? [''] : [...new Set(rows.map(([one]) => cellText(one)))].toSorted();
  const counts = new Map(
    rows.map(([one, value, count]) => [JSON.stringify([cellText(one), cellText(value)]), asCount(count)]),
  );
  const findings = splits.flatMap((one) =>
    values.map((value): CheckFinding => {
      const count = counts.get(JSON.stringify([one, classText(value, of?.type)])) ?? 0;
      const inSplit = split === undefined ? '' : ` in ${split} ${one}`;
      return {
        column: name,
        ...(count < minRows && { anomaly: 'LABEL_MISSING_CLASS' as const }),
        observed: `${countText(count)} of class ${value}${inSplit}`,
        allowed: `at least ${countText(minRows)}`,
        value: count,
      };
    }),
  );
  return { findings };
};

/** Formats a class in the same way as the engine: floating-point numbers have a decimal point. */
function classText(value: string | number | boolean, type: string | undefined): string {
  const floating = type?.startsWith('float') === true && typeof value === 'number' && Number.isInteger(value);
  return floating ? `${value}.0` : String(value);
}

/** Returns all columns except keys, times and the label. */
function featuresOf({ columns, keys, eventTime, label }: CheckContext, without: readonly string[]): readonly string[] {
  const left = new Set([...keys, ...without, eventTime, label]);
  return columns.filter((one) => familyOf(one) !== 'time' && !left.has(one.name)).map(({ name }) => name);
}

export const labelConflict: Check<'labelConflict'> = async (expectation, context) => {
  const label = named(expectation.label, context.label, 'label', 'label');
  const names = expectation.columns ?? featuresOf(context, [label, 'split']);
  const { missing } = pickColumns(context, [label, ...names]);
  if (missing.length > 0) return { findings: missing };
  if (names.length === 0) throw new ExpectationError('There is no feature column to compare rows by. Set `columns`.');
  const from = filter(relationOf({ table: 'data', where: expectation.where }), call('is-not-null', column(label)));
  const groups: Relation = {
    type: 'aggregate',
    from,
    by: names.map((name) => as(name, column(name))),
    columns: [as('same rows', aggregate('count')), as('labels', aggregate('count-distinct', [column(label)]))],
  };
  const several = call('>', column('labels'), literal(1));
  const totals: Relation = {
    type: 'aggregate',
    from: groups,
    by: [],
    columns: [
      as('rows', aggregate('sum', [column('same rows')])),
      as('broken', aggregate('sum', [column('same rows')], { where: several })),
    ],
  };
  const answer = (await context.queries.rows(totals, 1)).rows[0] ?? [];
  const [total, broken] = [asCount(answer[0]), asCount(answer[1])];
  const failed = !isWithinLimit(broken, total, expectation.atLeast);
  const keys = names.map((name) => ({ left: name, right: name }));
  const right = filter(groups, several);
  const joined: Relation = { type: 'join', kind: 'semi', left: from, right, keys, nullsMeet: true };
  const offending: Relation = {
    type: 'sort',
    from: joined,
    by: [...names, label].map((name) => ({ expression: column(name) })),
  };
  return {
    findings: [
      {
        column: label,
        ...(failed && { anomaly: 'LABEL_CONFLICT' as const }),
        observed: `${countText(broken)} of ${countText(total)} have the same features as a row with another label`,
        allowed: expectation.atLeast === 1 ? 'none' : `at most ${shareText(1 - expectation.atLeast)}`,
        value: total === 0 ? 0 : broken / total,
        rows: total,
        broken,
      },
    ],
    ...(failed && { offending, total: broken, show: [...names, label] }),
  };
};
