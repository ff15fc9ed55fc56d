/** Texts about the comparison of a rollout, for the command line and the console. Pure. */
import type { RolloutCheck } from '#records/rollout.ts';

const TITLES: Readonly<Record<RolloutCheck['check'], string>> = {
  errors: 'Error rate increase',
  latency: 'Latency factor',
  tailLatency: 'p99 latency factor',
  errorsAtFullTraffic: 'Error rate at full traffic',
  latencyAtFullTraffic: 'Slow intervals at full traffic',
};

export interface RolloutCheckTexts {
  readonly title: string;
  /** With its unit. */
  readonly estimate: string;
  /** `0.4 to 1.6`; empty: none. */
  readonly interval: string;
  readonly limit: string;
  /** Evidence and its threshold. */
  readonly evidence: string;
}

export function describeRolloutCheck({
  check,
  estimate,
  low,
  high,
  limit,
  evidence,
  threshold,
}: RolloutCheck): RolloutCheckTexts {
  const [scale, unit] = UNITS[check];
  const number = (value: number) => String(Math.round(value * scale * 100) / 100);
  return {
    title: TITLES[check],
    estimate: estimate === null ? 'unknown' : `${number(estimate)}${unit}`,
    interval: boundsText(low, high, number),
    limit: `${number(limit)}${unit}`,
    evidence: `${Number(evidence.toPrecision(3))} of ${threshold}`,
  };
}

function boundsText(low: number | null, high: number | null, number: (value: number) => string): string {
  if (low === null) return high === null ? '' : `at most ${number(high)}`;
  return high === null ? `at least ${number(low)}` : `${number(low)} to ${number(high)}`;
}

const UNITS: Readonly<Record<RolloutCheck['check'], readonly [number, string]>> = {
  errors: [100, ' points'],
  latency: [1, ' ×'],
  tailLatency: [1, ' ×'],
  errorsAtFullTraffic: [100, ' %'],
  latencyAtFullTraffic: [100, ' %'],
};
