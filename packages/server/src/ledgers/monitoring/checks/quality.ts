/** Evaluates missing values, new categories, ranges and types. Pure. */
import { countNoun } from '@dais/api';
import { nameOfCheck, type MonitorCheck, type MonitorResult, type MonitorSpec } from '@dais/api/monitoring';
import type { ColumnSummary } from '#lib/statistics/column-summary.ts';
import { absent, chosen, type ComparedField } from './compared-fields.ts';
import { outcomeOf, percent, text, unknownOutcome, type CheckOutcome } from './outcome.ts';

export interface QualityFacts {
  readonly spec: Pick<MonitorSpec, 'severity' | 'minSamples'>;
  readonly rows: number;
  readonly fields: readonly ComparedField[];
  readonly against: string;
  readonly unknown: string | undefined;
  /** Inputs of earlier windows of the same version. */
  readonly known: readonly string[];
  /** Number of rows outside the range of the baseline, by column. */
  readonly outside: ReadonlyMap<string, number>;
}

type QualityCheck = Extract<MonitorCheck, { type: 'quality' }>;

export function evaluateQuality(check: QualityCheck, facts: QualityFacts): CheckOutcome {
  const { spec, rows, fields, known, against, unknown } = facts;
  if (rows === 0) return unknownOutcome(check, spec, 'rows', 'The window has no rows.');
  const about = { check: nameOfCheck(check), type: check.type } as const;
  const some = chosen(fields, check);
  const columns = [...new Set([...(check.columns ?? []), ...known])].filter(
    (name) => check.exclude?.some((one) => one.toLowerCase() === name.toLowerCase()) !== true,
  );
  const inScope = columns.filter(
    (name) => check.columns === undefined || check.columns.some((one) => one.toLowerCase() === name.toLowerCase()),
  );
  const results: MonitorResult[] = [];
  const vanished = new Set(absent(fields, inScope));
  for (const { field, current } of some) {
    if (current.count === 0 && current.nulls > 0 && inScope.includes(field.name)) vanished.add(field.name);
  }
  for (const column of vanished) {
    const reason = `${column} is missing from the window: no row has a value.`;
    results.push({ ...about, metric: 'vanished', column, value: 1, status: 'failing', reason });
  }
  if (rows < spec.minSamples) {
    const reason = `The window has ${countNoun(rows, 'row')}, fewer than ${spec.minSamples}.`;
    return outcomeOf(check, spec, [...results, { ...about, metric: 'rows', value: rows, status: 'unknown', reason }]);
  }
  if (unknown !== undefined) results.push({ ...about, metric: 'baseline', status: 'unknown', reason: unknown });
  for (const one of some) {
    if (vanished.has(one.field.name) || one.field.family === 'other') continue;
    results.push(...ofField(check, about, one, facts));
  }
  if (results.length === 0) {
    return unknownOutcome(check, spec, 'columns', `No column of the window is in ${against}.`);
  }
  return outcomeOf(check, spec, results);
}

function ofField(
  check: QualityCheck,
  about: Pick<MonitorResult, 'check' | 'type'>,
  { field, current, baseline }: ComparedField,
  { outside }: QualityFacts,
): MonitorResult[] {
  const column = field.name;
  const rows = rowsOf(current);
  const named = { ...about, column, rows };
  if (baseline === undefined) return [];
  if (baseline.family !== field.family) {
    const reason = `The type of ${column} changed from ${baseline.family} to ${field.family}.`;
    return [{ ...named, metric: 'type', value: 1, status: 'failing', reason }];
  }
  const before = missing(baseline.summary);
  const results = [
    measured(
      { ...named, metric: 'null_share' },
      missing(current),
      Math.min(1, before + check.nulls),
      (value) =>
        `${column} is missing in ${percent(value)} of the rows, compared with ${percent(before)} in the baseline.`,
    ),
  ];
  const then = baseline.summary;
  if (current.type === 'categories' && then.type === 'categories' && then.rest === 0) {
    const added = [...current.counts].filter(([value]) => !then.counts.has(value));
    const share = current.count === 0 ? 0 : (added.reduce((sum, [, n]) => sum + n, 0) + current.rest) / current.count;
    const names = added.slice(0, 5).map(([value]) => JSON.stringify(value.slice(0, 40)));
    results.push(
      measured(
        { ...named, metric: 'new_category_share' },
        share,
        check.newCategories,
        (value) =>
          `${column} has values in ${percent(value)} of the rows that the baseline does not contain: ${names.join(', ')}.`,
      ),
    );
  }
  if (current.type === 'numbers' && then.type === 'numbers' && then.min !== undefined && then.max !== undefined) {
    const share = current.count === 0 ? 0 : (outside.get(column) ?? 0) / current.count;
    const [low, high] = [then.min, then.max];
    results.push(
      measured({ ...named, metric: 'out_of_range_share' }, share, check.outOfRange, (value) =>
        field.masked || field.family === 'time'
          ? `${column} is outside the range of the baseline in ${percent(value)} of the rows.`
          : `${column} is outside the range of the baseline (${text(low)} to ${text(high)}) in ${percent(value)} of the rows.`,
      ),
    );
  }
  return results;
}

function measured(
  about: Pick<MonitorResult, 'check' | 'type' | 'metric' | 'column' | 'rows'>,
  value: number,
  threshold: number,
  reason: (value: number) => string,
): MonitorResult {
  const bad = value > threshold;
  return { ...about, value, threshold, status: bad ? 'failing' : 'passing', ...(bad && { reason: reason(value) }) };
}

export function rowsOf(summary: ColumnSummary): number {
  const odd = summary.type === 'numbers' ? summary.nans + summary.infinities : 0;
  return summary.count + summary.nulls + odd;
}

/** Returns the share of missing values; NaN and infinities count as missing. */
function missing(summary: ColumnSummary): number {
  const rows = rowsOf(summary);
  return rows === 0 ? 0 : (rows - summary.count) / rows;
}
