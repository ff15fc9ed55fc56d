/**
 * Computes the number of instances by the rule of the Kubernetes HorizontalPodAutoscaler: as many as bring the load of
 * each to the target, with a tolerance of 10 %, immediate scale-up, and scale-down to the maximum of the last minute.
 */

export interface ScaleLimits {
  readonly min: number;
  readonly max: number;
}

export interface ScaleSample {
  /** Milliseconds. */
  readonly at: number;
  /** Average number of waiting and active runs since the previous sample. */
  readonly load: number;
  readonly workers: number;
}

/** Target share of an instance's time; the rest absorbs uneven arrivals. */
const TARGET = 0.7;
const TOLERANCE = 0.1;
const STABLE_MS = 60_000;

export class ScaleRule {
  readonly #limits: ScaleLimits;
  #demand: { readonly at: number; readonly count: number }[] = [];

  constructor(limits: ScaleLimits) {
    this.#limits = limits;
  }

  next({ at, load, workers }: ScaleSample): number {
    const { min, max } = this.#limits;
    const ratio = load / workers / TARGET;
    const desired = Math.abs(ratio - 1) <= TOLERANCE ? workers : Math.ceil(load / TARGET);
    const count = Math.min(max, Math.max(min, desired));
    this.#demand = [...this.#demand.filter((one) => at - one.at < STABLE_MS), { at, count }];
    if (count >= workers) return count;
    return Math.min(workers, Math.max(...this.#demand.map((one) => one.count)));
  }
}
