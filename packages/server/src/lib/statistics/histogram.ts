/** Counts in bins: bin `i` is from `edges[i]` to `edges[i + 1]`; the last one includes its upper edge. */
export interface Histogram {
  /** Ascending; one more than there are counts. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/**
 * Aligns two histograms to the edges of both, with the mass of a bin spread evenly over its parts (TFDV,
 * anomalies/metrics.cc). A bin without width keeps its mass at one point.
 * @returns counts of each, and the shared edges.
 */
export function alignHistograms(
  one: Histogram,
  other: Histogram,
): { edges: readonly number[]; one: readonly number[]; other: readonly number[] } {
  const edges = [...new Set([...one.edges, ...other.edges])].toSorted((a, b) => a - b);
  const points = [...new Set([...pointsOf(one), ...pointsOf(other)])].toSorted((a, b) => a - b);
  return { edges, one: spread(one, edges, points), other: spread(other, edges, points) };
}

function pointsOf({ edges }: Histogram): readonly number[] {
  return edges.slice(0, -1).filter((edge, i) => edge === edges[i + 1]);
}

function spread({ edges: own, counts }: Histogram, edges: readonly number[], points: readonly number[]) {
  const bins = Array.from({ length: Math.max(0, edges.length - 1) }, () => 0);
  const atPoints = points.map(() => 0);
  const positions = new Map(edges.map((edge, i) => [edge, i]));
  for (const [i, count] of counts.entries()) {
    const low = own[i] ?? 0;
    const high = own[i + 1] ?? low;
    if (high === low) {
      const at = points.indexOf(low);
      atPoints[at] = (atPoints[at] ?? 0) + count;
      continue;
    }
    const last = positions.get(high) ?? 0;
    for (let bin = positions.get(low) ?? 0; bin < last; bin += 1) {
      const width = (edges[bin + 1] ?? 0) - (edges[bin] ?? 0);
      bins[bin] = (bins[bin] ?? 0) + (count * width) / (high - low);
    }
  }
  return [...bins, ...atPoints];
}
