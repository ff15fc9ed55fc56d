/** Schema, row counts, freshness, statistics of columns, and custom SQL queries. */
import type { Anomaly, CheckFinding, DataColumn } from '@dais/api/data';
import type { Cell } from '#engines/query/contract.ts';
import { aggregate, column, named as as, scan } from '#engines/query/model/build.ts';
import type { AggregateExpression, Relation } from '#engines/query/model/query-tree.ts';
import { familyOf, numericValueOf, isInteger } from '../column-values.ts';
import { ExpectationError, named, pickColumns, type Check, findColumn, missingColumn } from './check-context.ts';
import { asCount, asNumber, countText, numberText } from './formats.ts';

interface Limits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

interface Measured {
  readonly column?: string;
  readonly value: number;
  readonly below: Anomaly;
  readonly above: Anomaly;
  readonly text?: (value: number) => string;
}

/** Compares a value with limits. A missing value fails. */
function compareWithLimits(
  { min, max }: Limits,
  { column: of, value, below, above, text = numberText }: Measured,
): CheckFinding {
  const low = min !== undefined && !(value >= min);
  const high = max !== undefined && !(value <= max);
  const allowed =
    max === undefined
      ? `at least ${text(min ?? 0)}`
      : min === undefined
        ? `at most ${text(max)}`
        : `from ${text(min)} to ${text(max)}`;
  return {
    ...(of !== undefined && { column: of }),
    ...((low || high) && { anomaly: low ? below : above }),
    observed: Number.isNaN(value) ? 'no value' : text(value),
    allowed,
    ...(Number.isFinite(value) && { value }),
  };
}

export const rowCount: Check<'rowCount'> = async (expectation, { queries, rows }) => {
  const { where } = expectation;
  const [counted] =
    where === undefined ? [rows] : await queries.aggregates({ table: 'data', where }, [aggregate('count')]);
  const names = { below: 'DATASET_LOW_NUM_EXAMPLES', above: 'DATASET_HIGH_NUM_EXAMPLES' } as const;
  return {
    findings: [compareWithLimits(expectation, { value: asCount(counted), ...names, text: (n) => countText(n) })],
  };
};

export const rowCountChange: Check<'rowCountChange'> = async (expectation, { rows, before }) => {
  if (before === undefined) {
    return { findings: [{ observed: 'first version', allowed: 'any: there is no previous version' }] };
  }
  const text = (ratio: number) => `${numberText(ratio)} times the rows of ${before.name}`;
  const names = { below: 'COMPARATOR_LOW_NUM_EXAMPLES', above: 'COMPARATOR_HIGH_NUM_EXAMPLES' } as const;
  const value = before.rows === 0 ? (rows === 0 ? 1 : Number.POSITIVE_INFINITY) : rows / before.rows;
  const finding = compareWithLimits(expectation, { value, ...names, text });
  return {
    findings: [{ ...finding, observed: `${countText(rows)}, ${finding.observed} (${countText(before.rows)})` }],
  };
};

export const distinct: Check<'distinct'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const answers = await context.queries.aggregates(
    { table: 'data', where: expectation.where },
    found.map(({ name }) => aggregate('count-distinct', [column(name)])),
  );
  const names = { below: 'FEATURE_TYPE_LOW_UNIQUE', above: 'FEATURE_TYPE_HIGH_UNIQUE' } as const;
  const text = (count: number) => countText(count, 'value');
  const findings = found.map(({ name }, i) =>
    compareWithLimits(expectation, { column: name, value: asCount(answers[i]), ...names, text }),
  );
  return { findings: [...missing, ...findings] };
};

const PERCENTILES = { p01: 0.01, p05: 0.05, p25: 0.25, p75: 0.75, p95: 0.95, p99: 0.99 } as const;

export const statistic: Check<'statistic'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const wrong = found.find((of) => familyOf(of) !== 'number');
  if (wrong !== undefined) throw new ExpectationError(`${wrong.name} is ${wrong.type}, not a number.`);
  const { statistic: what } = expectation;
  const answers = await context.queries.aggregates(
    { table: 'data', where: expectation.where },
    found.map((of): AggregateExpression => {
      const figure = numericValueOf(of);
      if (what in PERCENTILES) {
        return aggregate('quantiles', [figure], { parameters: [PERCENTILES[what as keyof typeof PERCENTILES]] });
      }
      return aggregate(what as 'min' | 'max' | 'mean' | 'stddev' | 'sum' | 'median', [figure]);
    }),
  );
  const names = { below: 'STATISTIC_OUT_OF_RANGE', above: 'STATISTIC_OUT_OF_RANGE' } as const;
  const findings = found.map(({ name }, i) => {
    const answer = answers[i];
    const cell: Cell | undefined = Array.isArray(answer) ? (answer as readonly Cell[])[0] : answer;
    const finding = compareWithLimits(expectation, { column: name, value: asNumber(cell), ...names });
    return { ...finding, observed: `${what} ${finding.observed}` };
  });
  return { findings: [...missing, ...findings] };
};

const HOUR_MS = 3_600_000;

export const freshness: Check<'freshness'> = async (expectation, context) => {
  const name = named(expectation.column, context.eventTime, 'eventTime', 'column');
  const { found, missing } = pickColumns(context, [name]);
  const [of] = found;
  if (of === undefined) return { findings: missing };
  if (familyOf(of) !== 'time') throw new ExpectationError(`${name} is ${of.type}, not a date or time.`);
  const { where, withinHours } = expectation;
  const [newest] = await context.queries.aggregates({ table: 'data', where }, [aggregate('max', [numericValueOf(of)])]);
  const hours = (context.createdAt - asNumber(newest)) / HOUR_MS;
  const stale = !(hours <= withinHours);
  const at = Number.isNaN(hours) ? 'no time values' : new Date(asNumber(newest)).toISOString();
  return {
    findings: [
      {
        column: name,
        ...(stale && { anomaly: 'DATASET_STALE' as const }),
        observed: Number.isNaN(hours) ? at : `newest ${at}, ${numberText(hours)} h before the version was created`,
        allowed: `at most ${numberText(withinHours)} h`,
        ...(Number.isFinite(hours) && { value: hours }),
      },
    ],
  };
};

export const sql: Check<'sql'> = async ({ query, atMost }, { queries }) => {
  const offending: Relation = { type: 'sql', dialect: 'duckdb', sql: query, views: { data: scan('data') } };
  const counted: Relation = {
    type: 'aggregate',
    from: offending,
    by: [],
    columns: [as('rows', aggregate('count'))],
  };
  const broken = asCount((await queries.rows(counted, 1)).rows[0]?.[0]);
  const failed = broken > atMost;
  return {
    findings: [
      {
        ...(failed && { anomaly: 'CUSTOM_SQL_ROWS' as const }),
        observed: countText(broken),
        allowed: atMost === 0 ? 'no rows' : `at most ${countText(atMost)}`,
        value: broken,
        broken,
      },
    ],
    ...(failed && { offending, total: broken }),
  };
};

const FAMILIES: Readonly<Record<string, (column: DataColumn) => boolean>> = {
  integer: isInteger,
  number: (column) => familyOf(column) === 'number',
  list: ({ type }) => type.startsWith('list<'),
  struct: ({ type }) => type.startsWith('struct<'),
};

/** Whether a column has a type: `int32` matches `int32`, `integer` and `number`. */
function hasType(column: DataColumn, word: string): boolean {
  const plain = (text: string) => text.replaceAll(/\s/g, '').toLowerCase();
  return FAMILIES[word]?.(column) ?? plain(column.type) === plain(word);
}

export const schema: Check<'schema'> = async ({ columns, extra, ordered }, context) => {
  const pinned = context.pinned && Object.fromEntries(context.pinned.map(({ name, type }) => [name, type]));
  const expectedColumns = columns ?? pinned;
  if (expectedColumns === undefined)
    throw new ExpectationError(
      'The expectation has no `columns`, and the dataset does not pin a schema. Set `columns`.',
    );
  const names = Object.keys(expectedColumns);
  const findings: CheckFinding[] = names.map((name) => {
    const found = findColumn(context.columns, name);
    const type = expectedColumns[name] ?? '';
    if (found === undefined) return missingColumn(name);
    const right = hasType(found, type);
    return {
      column: name,
      ...(!right && { anomaly: 'UNEXPECTED_DATA_TYPE' as const }),
      observed: found.type,
      allowed: type,
    };
  });
  const known = new Set(names);
  if (extra === 'refuse') {
    for (const { name, type } of context.columns.filter((one) => !known.has(one.name))) {
      findings.push({ column: name, anomaly: 'SCHEMA_NEW_COLUMN', observed: type, allowed: 'no additional columns' });
    }
  }
  if (ordered) {
    const seen = context.columns.map(({ name }) => name).filter((name) => known.has(name));
    const want = names.filter((name) => seen.includes(name));
    const at = want.findIndex((name, i) => seen[i] !== name);
    const [missed] = want.slice(at, at + 1);
    if (at >= 0 && missed !== undefined) {
      const observed = `${seen[at]} at position ${at + 1}`;
      findings.push({
        column: missed,
        anomaly: 'SCHEMA_COLUMN_ORDER',
        observed,
        allowed: `${missed} at position ${at + 1}`,
      });
    }
  }
  return { findings };
};

export const columnType: Check<'columnType'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const findings = found.map((column): CheckFinding => {
    const right = hasType(column, expectation.is);
    return {
      column: column.name,
      ...(!right && { anomaly: 'UNEXPECTED_DATA_TYPE' as const }),
      observed: column.type,
      allowed: expectation.is,
    };
  });
  return { findings: [...missing, ...findings] };
};
