/**
 * Suggests expectations from the profile of one version. The rules are those of Deequ's constraint suggestion
 * (deequ: suggestions/rules/), with the Wilson interval instead of the normal one, and additional rules for labels, keys and times.
 */
import type { ColumnProfile, DatasetProfile, Suggestion } from '@dais/api/data';
import { stringify } from 'yaml';
import { wilsonInterval } from '#lib/statistics/estimate.ts';
import { countText, numberText, shareText } from './checks/formats.ts';

export interface SuggestionFacts {
  readonly keys: readonly string[];
  readonly eventTime?: string | undefined;
  readonly label?: string | undefined;
  /** Columns whose values must not appear in suggestions. */
  readonly masked: readonly string[];
}

type Proposed = { readonly expectation: Readonly<Record<string, unknown>>; readonly reason: string };

/** Maximum number of values of a domain. */
const MAX_VALUES = 100;
/** Maximum share of values that occur only once, as in Deequ's CategoricalRangeRule. */
const MAX_SINGLE = 0.1;
const UNIQUE_SHARE = 0.98;

export function suggest({ rows, duplicates, columns }: DatasetProfile, facts: SuggestionFacts): readonly Suggestion[] {
  if (rows === 0) return [];
  return [
    ...suggestSchema(columns),
    ...suggestRowCount(rows),
    ...suggestCompleteness(columns, rows),
    ...suggestKeys(columns, facts),
    ...(duplicates === 0 ? [suggestDuplicates(rows)] : []),
    ...columns.flatMap((one) => [...suggestDomain(one, facts), ...suggestRanges(one, facts)]),
    ...suggestLabelChecks(columns, facts),
    ...suggestTimes(columns, facts),
    suggestDrift(),
  ].map(({ expectation, reason }) => ({ expectation: expectation as Suggestion['expectation'], reason }));
}

function suggestSchema(columns: readonly ColumnProfile[]): readonly Proposed[] {
  const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]));
  const expectation = { type: 'schema', columns: types, extra: 'allow' };
  return [
    {
      expectation,
      reason: `${countText(columns.length, 'column')} of this version with their types; additional columns are allowed`,
    },
  ];
}

function suggestRowCount(rows: number): readonly Proposed[] {
  return [
    {
      expectation: { type: 'rowCountChange', min: 0.5, max: 2, severity: 'warn' },
      reason: `this version has ${countText(rows)}; less than half or more than double deserves a review`,
    },
  ];
}

/** Suggests one expectation for all complete columns, and the lower confidence limit for the others. */
function suggestCompleteness(columns: readonly ColumnProfile[], rows: number): readonly Proposed[] {
  const whole = columns.filter(({ nulls }) => nulls === 0).map(({ name }) => name);
  const some = columns.filter(({ nulls, count }) => nulls > 0 && count / rows > 0.2);
  return [
    ...(whole.length === 0
      ? []
      : [
          {
            expectation: { type: 'completeness', columns: whole },
            reason: 'no row of this version has a missing value in these columns',
          },
        ]),
    ...some.map(({ name, count }) => {
      const atLeast = Math.floor(wilsonInterval(count, rows).low * 1000) / 1000;
      return {
        expectation: { type: 'completeness', columns: [name], atLeast },
        reason: `${shareText(count / rows)} of the rows have a value; ${atLeast} is the lower limit of the 95 % confidence interval`,
      };
    }),
  ];
}

function suggestKeys(columns: readonly ColumnProfile[], { keys }: SuggestionFacts): readonly Proposed[] {
  if (keys.length > 0)
    return [{ expectation: { type: 'unique', columns: [...keys] }, reason: 'these are the keys of the dataset' }];
  return columns
    .filter(({ family, count, nulls, distinct, name, type }) => {
      const idLike = family === 'text' || /int/.test(type);
      return (
        idLike &&
        nulls === 0 &&
        count > 100 &&
        distinct >= UNIQUE_SHARE * count &&
        /(^|_)(id|key|uuid|number|no)$/i.test(name)
      );
    })
    .map(({ name, distinct, count }) => ({
      expectation: { type: 'unique', columns: [name] },
      reason: `about ${countText(distinct, 'distinct value')} in ${countText(count)} (approximate count), and the name suggests a key`,
    }));
}

function suggestDuplicates(rows: number): Proposed {
  return {
    expectation: { type: 'duplicates', severity: 'warn' },
    reason: `none of the ${countText(rows)} of this version is a duplicate`,
  };
}

function suggestDomain(
  { name, family, count, top, topComplete }: ColumnProfile,
  { masked }: SuggestionFacts,
): readonly Proposed[] {
  const few =
    family === 'text' && topComplete === true && top !== undefined && top.length > 0 && top.length <= MAX_VALUES;
  if (!few || masked.includes(name) || count < 20) return [];
  const single = top.filter((one) => one.count === 1).length;
  if (single > MAX_SINGLE * top.length) return [];
  const values = top.map(({ value }) => value);
  return [
    {
      expectation: { type: 'domain', columns: [name], values },
      reason: `the column has ${countText(values.length, 'distinct value')}, the least frequent in ${countText(top.at(-1)?.count ?? 0)}`,
    },
  ];
}

function suggestRanges(of: ColumnProfile, { masked, label }: SuggestionFacts): readonly Proposed[] {
  const { name, family, count, min, max, negatives, nans, infinities, quantiles } = of;
  if (family !== 'number' || count === 0 || min === undefined || max === undefined) return [];
  const floating = nans !== undefined && infinities !== undefined;
  const found: Proposed[] = [];
  if (floating && nans + infinities === 0) {
    found.push({ expectation: { type: 'finite', columns: [name] }, reason: 'no value is NaN or infinite' });
  }
  if (negatives === 0) {
    found.push({ expectation: { type: 'range', columns: [name], min: 0 }, reason: 'no value is negative' });
  }
  // Values of masked columns must not appear, and the range of a label is what a model predicts.
  if (masked.includes(name) || name === label || quantiles === undefined) return found;
  const { p01, p99 } = quantiles;
  const reach = p99 - p01;
  if (reach > 0 && min >= p01 - 3 * reach && max <= p99 + 3 * reach) {
    const low = round(p01 - 3 * reach, negatives === 0);
    const high = round(p99 + 3 * reach, false);
    found.push({
      expectation: { type: 'range', columns: [name], min: low, max: high, atLeast: 0.99, severity: 'warn' },
      reason: `values range from ${numberText(min)} to ${numberText(max)}; the limits are the middle 98 % extended by three times its width on both sides`,
    });
  }
  return found;
}

/** Rounds a wide limit to two digits. */
function round(value: number, notNegative: boolean): number {
  const rounded = Number(value.toPrecision(2));
  return notNegative ? Math.max(0, rounded) : rounded;
}

function suggestLabelChecks(
  columns: readonly ColumnProfile[],
  { label, masked }: SuggestionFacts,
): readonly Proposed[] {
  const of = columns.find(({ name }) => name === label);
  if (label === undefined || of === undefined) return [];
  const found: Proposed[] = [{ expectation: { type: 'leakage' }, reason: `no single column should predict ${label}` }];
  if (of.topComplete !== true || of.top === undefined || of.top.length < 2 || of.top.length > MAX_VALUES) return found;
  const [most, least] = [of.top[0]?.count ?? 1, of.top.at(-1)?.count ?? 0];
  const ratio = least / most;
  const atLeast = Number((ratio / 2).toPrecision(1));
  found.push({
    expectation: { type: 'balance', measure: 'ratio', atLeast, severity: 'warn' },
    reason: `the rarest class has ${numberText(ratio)} rows for each row of the most frequent class; half of that deserves a review`,
  });
  if (!masked.includes(label)) {
    const values = of.top.map(({ value }) => value);
    found.push({ expectation: { type: 'classes', values }, reason: `${label} has these ${values.length} classes` });
  }
  return found;
}

function suggestTimes(columns: readonly ColumnProfile[], { eventTime }: SuggestionFacts): readonly Proposed[] {
  if (eventTime === undefined || !columns.some(({ name, family }) => name === eventTime && family === 'time'))
    return [];
  return [
    {
      expectation: { type: 'futureTime', columns: [eventTime], severity: 'warn' },
      reason: `${eventTime} is the event time: events occur before the version is created`,
    },
  ];
}

function suggestDrift(): Proposed {
  return {
    expectation: { type: 'drift', against: 'previous', metric: 'jsd_log2', atMost: 0.1, severity: 'warn' },
    reason: 'columns should be distributed as in the previous version',
  };
}

/** Formats suggestions as a fragment of a manifest, with reasons as comments. */
export function suggestedYaml(suggestions: readonly Suggestion[], of: string): string {
  const lines = [
    `# Suggested from ${of}. Add the expectations that hold for every version to the manifest of the dataset.`,
    'spec:',
  ];
  if (suggestions.length === 0) return [...lines, '  expectations: []', ''].join('\n');
  lines.push('  expectations:');
  for (const { expectation, reason } of suggestions) {
    lines.push(`    # ${reason}`);
    const text = stringify([expectation], { lineWidth: 120, collectionStyle: 'any' }).trimEnd();
    lines.push(...text.split('\n').map((line) => `    ${line}`));
  }
  return `${lines.join('\n')}\n`;
}
