/** Evaluates whether the feature attributions of a version differ from those of the baseline. Pure. */
import { countNoun } from '@dais/api';
import { nameOfCheck, type MonitorAttributions, type MonitorCheck, type MonitorSpec } from '@dais/api/monitoring';
import { attributionDrift, moveOf, type AttributionDrift } from '#lib/statistics/attribution-drift.ts';
import type { Attributions } from '../baselines/attribution-rows.ts';
import { outcomeOf, percent, text, unknownOutcome, type CheckOutcome } from './outcome.ts';

export type AttributionCheck = Extract<MonitorCheck, { type: 'attributionDrift' }>;

/** With fewer rows the ranking of columns is random. */
export const MIN_EXPLAINED = 30;
/** Columns that a reason lists. */
const NAMED = 3;

export interface AttributionSides {
  /** The model version, as `delays/7`. */
  readonly version: string;
  readonly current: Attributions;
  readonly baseline: Attributions;
}

export function evaluateAttributionDrift(
  check: AttributionCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  { version, current, baseline }: AttributionSides,
): CheckOutcome {
  const unknown = (reason: string) => unknownOutcome(check, spec, 'ndcg', reason);
  for (const { rows, name } of [baseline, current]) {
    if (rows >= MIN_EXPLAINED) continue;
    const reason = `Only ${countNoun(rows, 'row')} of ${name} could be explained, fewer than ${MIN_EXPLAINED}`;
    return unknown(`${reason}. Increase \`seconds\` of the check, or find out why the model rejects rows.`);
  }
  if (current.scale !== baseline.scale) {
    return unknown(
      `Attributions of ${version} use the scale ${current.scale}, those of ${baseline.name} the scale ${baseline.scale}. They cannot be compared.`,
    );
  }
  const drift = driftOf(baseline, current);
  if ('unknown' in drift) {
    const side = drift.unknown === 'baseline' ? baseline : current;
    return unknown(
      `No column affects the predictions of ${version} in ${side.name}, so there is no ranking to compare.`,
    );
  }
  return outcomeOf(check, spec, resultsOf(check, drift, { rows: current.rows, version, against: baseline.name }));
}

function resultsOf(
  check: AttributionCheck,
  { ndcg, totalVariation, columns }: AttributionDrift,
  { rows, version, against }: { readonly rows: number; readonly version: string; readonly against: string },
): CheckOutcome['results'] {
  const about = { check: nameOfCheck(check), type: check.type, rows } as const;
  const moved = columns.slice(0, NAMED).map((one) => `${one.column} ${movedText(one)}`);
  const reason = `Feature attributions of ${version} differ from ${against}: NDCG is ${text(ndcg)}, threshold ${text(check.ndcg)}. Largest changes: ${moved.join('; ')}.`;
  const bad = ndcg < check.ndcg;
  return [
    {
      ...about,
      metric: 'ndcg',
      value: ndcg,
      threshold: check.ndcg,
      status: bad ? 'failing' : 'passing',
      ...(bad && { reason }),
    },
    { ...about, metric: 'total_variation', value: totalVariation, status: 'passing' },
    ...columns.map((one) => {
      const value = moveOf(one);
      const beyond = check.change !== undefined && value > check.change;
      const why = `Attribution of ${one.column} for ${version} changed ${movedText(one)}, by more than ${percent(check.change ?? 0)}.`;
      return {
        ...about,
        metric: 'attribution_change',
        column: one.column,
        value,
        ...(check.change !== undefined && { threshold: check.change }),
        status: beyond ? ('failing' as const) : ('passing' as const),
        ...(beyond && { reason: why }),
      };
    }),
  ];
}

function movedText(one: AttributionDrift['columns'][number]): string {
  const { baselineShare, currentShare, baselineRank, currentRank } = one;
  const rankText = baselineRank === currentRank ? '' : ` (rank ${baselineRank} to ${currentRank})`;
  return `from ${percent(baselineShare)} to ${percent(currentShare)}${rankText}`;
}

/** Returns the attributions in the format of a report. */
export function presentAttributions(
  of: Pick<MonitorAttributions, 'check' | 'model' | 'version'>,
  current: Attributions,
  baseline: Attributions | undefined,
): MonitorAttributions {
  const { method, scale, background, rows } = current;
  const head = { ...of, method, scale, background, rows };
  const drift = baseline === undefined ? undefined : driftOf(baseline, current);
  if (baseline === undefined || drift === undefined || 'unknown' in drift) {
    // Compared with itself: shares and ranks of this window alone.
    const alone = driftOf(current, current);
    const columns = 'unknown' in alone ? [] : alone.columns;
    return {
      ...head,
      columns: columns.map(({ column, current: size, currentShare, currentRank }) => {
        return { column, current: size, currentShare, currentRank };
      }),
    };
  }
  return { ...head, baseline: { name: baseline.name, rows: baseline.rows }, columns: [...drift.columns] };
}

function driftOf(baseline: Attributions, current: Attributions) {
  return attributionDrift(new Map(Object.entries(baseline.sizes)), new Map(Object.entries(current.sizes)));
}
