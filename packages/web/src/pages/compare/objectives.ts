/** Whether runs meet the objectives of a Model. Pure functions. */
import type { ModelSpec } from '@dais/api/registry';
import type { Run } from '@dais/api/tracking';
import { metricOf } from '#pages/runs/run-columns.ts';

export type Objective = NonNullable<ModelSpec['objectives']>[number];

export interface Reached {
  /** Undefined: the run has no such metric. */
  readonly value: number | undefined;
  readonly best: boolean;
  /** Undefined: there is no target, or no value. */
  readonly enough: boolean | undefined;
}

export function reached({ metric, direction, target }: Objective, runs: readonly Run[]): readonly Reached[] {
  const sign = direction === 'maximize' ? 1 : -1;
  const values = runs.map((run) => {
    const value = metricOf(run, metric)?.value;
    return typeof value === 'number' ? value : undefined;
  });
  const best = Math.max(...values.map((value) => (value === undefined ? -Infinity : sign * value)));
  return values.map((value) => ({
    value,
    best: value !== undefined && sign * value === best,
    enough: target === undefined || value === undefined ? undefined : sign * (value - target) >= 0,
  }));
}
