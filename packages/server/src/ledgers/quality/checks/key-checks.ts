/** Duplicate rows, duplicate keys, and references to another dataset. */
import { aggregate, allOf, call, column, filter, literal, named as as, scan } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import { relationOf, type Rows } from './check-queries.ts';
import { ExpectationError, findColumn, otherVersion, pickColumns, type Check } from './check-context.ts';
import { asCount, countText, isWithinLimit, shareText } from './formats.ts';

const present = (names: readonly string[]): Expression =>
  allOf(...names.map((name) => call('is-not-null', column(name))));

/** Returns the rows that share their values of these columns. */
function duplicateRows(rows: Rows, names: readonly string[], nulls: boolean): Relation {
  const from = nulls ? relationOf(rows) : filter(relationOf(rows), present(names));
  const groups: Relation = {
    type: 'aggregate',
    from,
    by: names.map((name) => as(name, column(name))),
    columns: [as('same rows', aggregate('count'))],
    having: call('>', column('same rows'), literal(1)),
  };
  const keys = names.map((name) => ({ left: name, right: name }));
  const joined: Relation = { type: 'join', kind: 'semi', left: from, right: groups, keys, nullsMeet: nulls };
  return { type: 'sort', from: joined, by: names.map((name) => ({ expression: column(name) })) };
}

export const unique: Check<'unique'> = async (expectation, context) => {
  const { columns, where, atLeast } = expectation;
  const { missing } = pickColumns(context, columns);
  if (missing.length > 0) return { findings: missing };
  const rows = { table: 'data', where };
  const [all, different] = (
    await context.queries.aggregates(rows, [
      aggregate('count', [], { where: present(columns) }),
      aggregate(
        'count-distinct',
        columns.map((name) => column(name)),
      ),
    ])
  ).map(asCount);
  const [total = 0, distinct = 0] = [all, different];
  const broken = total - distinct;
  const failed = !isWithinLimit(broken, total, atLeast);
  return {
    findings: [
      {
        column: columns.join(', '),
        ...(failed && { anomaly: 'DUPLICATE_KEY' as const }),
        observed: `${countText(broken)} of ${countText(total)} have a duplicate key`,
        allowed: atLeast === 1 ? 'none' : `at most ${shareText(1 - atLeast)}`,
        value: total === 0 ? 1 : distinct / total,
        rows: total,
        broken,
      },
    ],
    ...(failed && { offending: duplicateRows(rows, columns, false), total: broken, show: columns }),
  };
};

export const duplicates: Check<'duplicates'> = async (expectation, context) => {
  const names = expectation.columns ?? context.columns.map(({ name }) => name);
  const { missing } = pickColumns(context, names);
  if (missing.length > 0) return { findings: missing };
  const rows = { table: 'data', where: expectation.where };
  const [total = 0, distinct = 0] = (
    await context.queries.aggregates(rows, [
      aggregate('count'),
      // NULL counts as a value: two rows with NULL are equal.
      aggregate('count-distinct', [call('hash64', ...names.map((name) => column(name)))]),
    ])
  ).map(asCount);
  const broken = total - distinct;
  const share = total === 0 ? 0 : broken / total;
  const failed = !isWithinLimit(broken, total, 1 - expectation.atMost);
  return {
    findings: [
      {
        ...(expectation.columns !== undefined && { column: names.join(', ') }),
        ...(failed && { anomaly: 'DUPLICATE_ROWS' as const }),
        observed: `${countText(broken)} of ${countText(total)} are duplicates (${shareText(share)})`,
        allowed: expectation.atMost === 0 ? 'none' : `at most ${shareText(expectation.atMost)}`,
        value: share,
        rows: total,
        broken,
      },
    ],
    ...(failed && { offending: duplicateRows(rows, names, true), total: broken, show: expectation.columns ?? [] }),
  };
};

export const reference: Check<'reference'> = async (expectation, context) => {
  const { columns, where, atLeast } = expectation;
  const { missing } = pickColumns(context, columns);
  if (missing.length > 0) return { findings: missing };
  const other = otherVersion(context, expectation.in);
  const to = expectation.to ?? columns;
  const lacking = to.find((name) => findColumn(other.columns, name) === undefined);
  if (lacking !== undefined) throw new ExpectationError(`${other.name} has no column ${lacking}.`);
  const from = filter(relationOf({ table: 'data', where }), present(columns));
  const keys = columns.map((left, i) => ({ left, right: to[i] ?? left }));
  const right: Relation = { type: 'distinct', from: scan(other.table, to) };
  const lost: Relation = { type: 'join', kind: 'anti', left: from, right, keys };
  const count = (of: Relation): Relation => ({
    type: 'aggregate',
    from: of,
    by: [],
    columns: [as('rows', aggregate('count'))],
  });
  const [all, without] = await Promise.all([
    context.queries.rows(count(from), 1),
    context.queries.rows(count(lost), 1),
  ]);
  const [total, broken] = [asCount(all.rows[0]?.[0]), asCount(without.rows[0]?.[0])];
  const failed = !isWithinLimit(broken, total, atLeast);
  return {
    findings: [
      {
        column: columns.join(', '),
        ...(failed && { anomaly: 'REFERENCE_MISSING' as const }),
        observed: `${countText(broken)} of ${countText(total)} are not in ${other.name}`,
        allowed: atLeast === 1 ? 'none' : `at most ${shareText(1 - atLeast)}`,
        value: total === 0 ? 1 : (total - broken) / total,
        rows: total,
        broken,
      },
    ],
    ...(failed && { offending: lost, total: broken, show: columns }),
  };
};
