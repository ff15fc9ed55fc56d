/**
 * How many instances a model shall have, by the rule of Kubernetes' HorizontalPodAutoscaler: as many as bring the work of each
 * to the target, nothing for a tenth more or less, up at once, down to the most that was wanted in the last minute.
 */

export interface ScaleBounds {
  readonly min: number;
  readonly max: number;
}

export interface ScaleSample {
  /** Milliseconds. */
  readonly at: number;
  /** Runs that waited or ran, on average since the sample before. */
  readonly load: number;
  readonly workers: number;
}

/** Of an instance's time: the rest is for what comes unevenly. */
const TARGET = 0.7;
const TOLERANCE = 0.1;
const STABLE_MS = 60_000;

export class ScaleRule {
  readonly #bounds: ScaleBounds;
  #wanted: { readonly at: number; readonly count: number }[] = [];

  constructor(bounds: ScaleBounds) {
    this.#bounds = bounds;
  }

  next({ at, load, workers }: ScaleSample): number {
    const { min, max } = this.#bounds;
    const ratio = load / workers / TARGET;
    const fit = Math.abs(ratio - 1) <= TOLERANCE ? workers : Math.ceil(load / TARGET);
    const count = Math.min(max, Math.max(min, fit));
    this.#wanted = [...this.#wanted.filter((one) => at - one.at < STABLE_MS), { at, count }];
    if (count >= workers) return count;
    return Math.min(workers, Math.max(...this.#wanted.map((one) => one.count)));
  }
}
