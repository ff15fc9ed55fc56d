/**
 * How p-values of many columns are read together. Without it, of 20 columns that did not move one is found to drift at 0.05.
 * `holm` and `bonferroni` bound the chance of any false alarm, `benjamini-hochberg` the share of false ones among the alarms.
 */
export type Correction = 'none' | 'bonferroni' | 'holm' | 'benjamini-hochberg';

/**
 * Adjusted p-values in the order given: compare each with the level itself. Bonferroni: m p. Holm 1979: running maximum of
 * (m − i) p₍ᵢ₎. Benjamini and Hochberg 1995: running minimum from the largest of m p₍ᵢ₎ / i. R `p.adjust`.
 */
export function adjustPValues(pValues: readonly number[], correction: Correction): readonly number[] {
  const count = pValues.length;
  if (correction === 'none') return pValues;
  if (correction === 'bonferroni') return pValues.map((p) => Math.min(1, p * count));
  const order = [...pValues.keys()].toSorted((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const adjusted = Array.from({ length: count }, () => 1);
  if (correction === 'holm') {
    let most = 0;
    for (const [rank, at] of order.entries()) {
      most = Math.max(most, Math.min(1, (pValues[at] ?? 1) * (count - rank)));
      adjusted[at] = most;
    }
    return adjusted;
  }
  let least = 1;
  for (const [back, at] of order.toReversed().entries()) {
    least = Math.min(least, ((pValues[at] ?? 1) * count) / (count - back));
    adjusted[at] = least;
  }
  return adjusted;
}
