import type { ScoreBin } from './scores.ts';

/** A rising function, linear between its points and level beyond them. */
export interface Calibration {
  /** Rising scores. */
  readonly scores: readonly number[];
  /** The share of positives there; never falling. */
  readonly shares: readonly number[];
}

/**
 * The share of positives as a never falling function of the score, with the least squares: pooled neighbors that
 * violate the order (Ayer et al. 1955; Zadrozny and Elkan 2002). With a bin for each score it is scikit-learn's
 * `IsotonicRegression(out_of_bounds='clip')`. Undefined where there are no rows.
 */
export function isotonicCalibration(bins: readonly ScoreBin[]): Calibration | undefined {
  interface Block {
    weight: number;
    positives: number;
    readonly scores: number[];
  }
  const blocks: Block[] = [];
  for (const { positive, negative, sum } of bins) {
    const weight = positive + negative;
    if (weight === 0) continue;
    blocks.push({ weight, positives: positive, scores: [sum / weight] });
    for (;;) {
      const [before, last] = blocks.slice(-2);
      if (before === undefined || last === undefined) break;
      if (before.positives * last.weight < last.positives * before.weight) break;
      blocks.pop();
      before.weight += last.weight;
      before.positives += last.positives;
      // Only the ends of a level part matter.
      before.scores.splice(1, before.scores.length - 1, last.scores.at(-1) ?? 0);
    }
  }
  if (blocks.length === 0) return undefined;
  const points = blocks.flatMap(({ weight, positives, scores }) =>
    scores.map((score) => ({ score, share: positives / weight })),
  );
  return { scores: points.map(({ score }) => score), shares: points.map(({ share }) => share) };
}

/** The share of positives for a score. */
export function calibrated({ scores, shares }: Calibration, score: number): number {
  let [low, high] = [0, scores.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] ?? 0) <= score) low = middle + 1;
    else high = middle;
  }
  const [left, right] = [low - 1, low];
  if (left < 0) return shares[0] ?? 0;
  if (right >= scores.length) return shares.at(-1) ?? 0;
  const [from, to] = [scores[left] ?? 0, scores[right] ?? 0];
  const [start, end] = [shares[left] ?? 0, shares[right] ?? 0];
  return start + ((end - start) * (score - from)) / (to - from);
}
