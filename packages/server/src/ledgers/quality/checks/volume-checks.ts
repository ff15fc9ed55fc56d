/** Row counts, freshness, and statistics of columns. */
import type { Anomaly, CheckFinding } from '@dais/api/data';
import { aggregate, column } from '#engines/query/model/build.ts';
import type { AggregateExpression } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { familyOf } from '../column-family.ts';
import { figureOf } from '../column-values.ts';
import { CheckFault, named, pickColumns, type Check } from './check-context.ts';
import { asCount, asNumber, countText, figureText } from './figures.ts';

interface Bounds {
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
function judgeBounds(
  { min, max }: Bounds,
  { column: of, value, below, above, text = figureText }: Measured,
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

export const rowCount: Check<'rowCount'> = async (expectation, { asking, rows }) => {
  const { where } = expectation;
  const [counted] = where === undefined ? [rows] : await asking.figures({ table: 'data', where }, [aggregate('count')]);
  const names = { below: 'DATASET_LOW_NUM_EXAMPLES', above: 'DATASET_HIGH_NUM_EXAMPLES' } as const;
  return { findings: [judgeBounds(expectation, { value: asCount(counted), ...names, text: (n) => countText(n) })] };
};

export const rowCountChange: Check<'rowCountChange'> = async (expectation, { rows, before }) => {
  if (before === undefined) {
    return { findings: [{ observed: 'first version', allowed: 'any: there is no previous version' }] };
  }
  const text = (ratio: number) => `${figureText(ratio)} times the rows of ${before.name}`;
  const names = { below: 'COMPARATOR_LOW_NUM_EXAMPLES', above: 'COMPARATOR_HIGH_NUM_EXAMPLES' } as const;
  const value = before.rows === 0 ? (rows === 0 ? 1 : Number.POSITIVE_INFINITY) : rows / before.rows;
  const finding = judgeBounds(expectation, { value, ...names, text });
  return {
    findings: [{ ...finding, observed: `${countText(rows)}, ${finding.observed} (${countText(before.rows)})` }],
  };
};

export const distinct: Check<'distinct'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const answers = await context.asking.figures(
    { table: 'data', where: expectation.where },
    found.map(({ name }) => aggregate('count-distinct', [column(name)])),
  );
  const names = { below: 'FEATURE_TYPE_LOW_UNIQUE', above: 'FEATURE_TYPE_HIGH_UNIQUE' } as const;
  const text = (count: number) => countText(count, count === 1 ? 'value' : 'values');
  const findings = found.map(({ name }, i) =>
    judgeBounds(expectation, { column: name, value: asCount(answers[i]), ...names, text }),
  );
  return { findings: [...missing, ...findings] };
};

const PERCENTILES = { p01: 0.01, p05: 0.05, p25: 0.25, p75: 0.75, p95: 0.95, p99: 0.99 } as const;

export const statistic: Check<'statistic'> = async (expectation, context) => {
  const { found, missing } = pickColumns(context, expectation.columns);
  const wrong = found.find((of) => familyOf(of) !== 'number');
  if (wrong !== undefined) throw new CheckFault(`${wrong.name} is ${wrong.type}, not a number.`);
  const { statistic: what } = expectation;
  const answers = await context.asking.figures(
    { table: 'data', where: expectation.where },
    found.map((of): AggregateExpression => {
      const figure = figureOf(of);
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
    const finding = judgeBounds(expectation, { column: name, value: asNumber(cell), ...names });
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
  if (familyOf(of) !== 'time') throw new CheckFault(`${name} is ${of.type}, not a date or time.`);
  const { where, withinHours } = expectation;
  const [newest] = await context.asking.figures({ table: 'data', where }, [aggregate('max', [figureOf(of)])]);
  const hours = (context.createdAt - asNumber(newest)) / HOUR_MS;
  const stale = !(hours <= withinHours);
  const at = Number.isNaN(hours) ? 'no time values' : new Date(asNumber(newest)).toISOString();
  return {
    findings: [
      {
        column: name,
        ...(stale && { anomaly: 'DATASET_STALE' as const }),
        observed: Number.isNaN(hours) ? at : `newest ${at}, ${figureText(hours)} h before the version was created`,
        allowed: `at most ${figureText(withinHours)} h`,
        ...(Number.isFinite(hours) && { value: hours }),
      },
    ],
  };
};
