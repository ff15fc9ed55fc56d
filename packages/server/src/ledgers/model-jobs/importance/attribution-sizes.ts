/** Mean attributions per column: sums over the explained rows. */
import type { HostedExplanation } from '../hosted-model.ts';

/** Rows per explanation, whose number of predictions is limited. */
const ROWS_AT_ONCE = 4;
const FEW_OTHERS = 25;

export function rowsAtOnce(background: number): number {
  return background <= FEW_OTHERS ? ROWS_AT_ONCE : 1;
}

export class AttributionSizes {
  readonly #sums = new Map<string, { size: number; sum: number }>();
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  add({ features, attributions }: HostedExplanation, rows: number): void {
    this.#rows += rows;
    for (const [index, feature] of features.entries()) {
      const own = this.#sums.get(feature) ?? { size: 0, sum: 0 };
      for (let row = 0; row < rows; row++) {
        const value = attributions[row * features.length + index] ?? 0;
        own.size += Math.abs(value);
        own.sum += value;
      }
      this.#sums.set(feature, own);
    }
  }

  /** Mean absolute and mean signed values; largest first. */
  means(): { readonly feature: string; readonly importance: number; readonly mean: number }[] {
    const rows = this.#rows;
    return [...this.#sums]
      .map(([feature, { size, sum }]) => ({ feature, importance: size / rows, mean: sum / rows }))
      .toSorted((a, b) => b.importance - a.importance);
  }
}
