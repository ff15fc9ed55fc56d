/**
 * A rollout as a chart: its steps in order, each as wide as its duration, with metrics of both versions. Pure
 * functions.
 */
import type { Rollout, RolloutFigures, RolloutStep } from '@dais/api/serving';

export interface RampBar {
  /** From 0 to 1, the largest of the rollout. */
  readonly height: number;
  readonly value: number;
}

export interface RampPair {
  readonly canary: RampBar | undefined;
  readonly stable: RampBar | undefined;
}

export interface RampStep {
  readonly number: number;
  /** Percent of the traffic. */
  readonly weight: number;
  /** Undefined: the step is in the future. */
  readonly status: RolloutStep['status'] | undefined;
  readonly message: string;
  readonly seconds: number | undefined;
  /** Share of the total width, which is 1. */
  readonly width: number;
  /** Error rate, from 0 to 1. */
  readonly failed: RampPair;
  /** 99th percentile of latency in ms. */
  readonly p99: RampPair;
}

/** Minimum width of a step, as a part of an even share: a second stays visible next to an hour. */
const LEAST = 0.6;

export function ramp(rollout: Pick<Rollout, 'steps' | 'weights' | 'state'>, now: number): readonly RampStep[] {
  const { steps, weights, state } = rollout;
  const underWay = state === 'running' || state === 'paused';
  const reached = steps.at(-1)?.weight ?? 0;
  const ahead = underWay ? weights.filter((weight) => weight > reached) : [];
  const seconds = steps.map(({ startedAt, endedAt }) =>
    Math.max(0, ((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000),
  );
  const widths = shares([...seconds, ...ahead.map(() => 0)]);
  const most = (read: (figures: RolloutFigures) => number | null) =>
    Math.max(0, ...steps.flatMap(({ canary, stable }) => [canary, stable].map((one) => (one && read(one)) ?? 0)));
  const pair = (step: RolloutStep, read: (figures: RolloutFigures) => number | null, highest: number): RampPair => {
    const bar = (figures: RolloutFigures | undefined): RampBar | undefined => {
      const value = figures === undefined ? null : read(figures);
      return value === null ? undefined : { value, height: highest === 0 ? 0 : value / highest };
    };
    return { canary: bar(step.canary), stable: bar(step.stable) };
  };
  const [failed, p99] = [most(failedShare), most(({ p99Ms }) => p99Ms)];
  return [
    ...steps.map((step, at) => ({
      number: step.number,
      weight: step.weight,
      status: step.status,
      message: step.message,
      seconds: seconds[at],
      width: widths[at] ?? 0,
      failed: pair(step, failedShare, failed),
      p99: pair(step, ({ p99Ms }) => p99Ms, p99),
    })),
    ...ahead.map((weight, at) => ({
      number: (steps.at(-1)?.number ?? -1) + 1 + at,
      weight,
      status: undefined,
      message: 'pending',
      seconds: undefined,
      width: widths[steps.length + at] ?? 0,
      failed: NONE,
      p99: NONE,
    })),
  ];
}

const NONE: RampPair = { canary: undefined, stable: undefined };

/** Null: there were no requests, so there is no value. */
function failedShare({ failed, requests }: RolloutFigures): number | null {
  return requests === 0 ? null : failed / requests;
}

function shares(values: readonly number[]): readonly number[] {
  const total = values.reduce((sum, value) => sum + value, 0);
  const least = LEAST / values.length;
  const raw = values.map((value) => Math.max(least, total === 0 ? 0 : value / total));
  const all = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / all);
}
