/** Comparisons of columns with their baseline, for display. Pure. */
import type { ColumnComparison } from '@dais/api/monitoring';
import type { ColumnSummary, NumberSummary } from '#lib/statistics/column-summary.ts';
import type { StoredField } from './baselines.ts';
import { rowsOf } from './checks/quality.ts';

const BINS = 20;
const MOST_CATEGORIES = 20;

export function comparisonOf(field: StoredField, baseline: StoredField | undefined): ColumnComparison {
  const { summary } = field;
  const then = baseline?.summary.type === summary.type ? baseline.summary : undefined;
  return {
    column: field.name,
    family: field.family,
    ...(field.masked && { masked: true }),
    current: figuresOf(summary, field.masked),
    ...(baseline !== undefined && { baseline: figuresOf(baseline.summary, field.masked || baseline.masked) }),
    ...(summary.type === 'numbers' && !field.masked && pictureOf(summary, then as NumberSummary | undefined)),
    ...(summary.type === 'categories' && categoriesOf(summary, then)),
  };
}

function figuresOf(summary: ColumnSummary, masked: boolean): ColumnComparison['current'] {
  const figures = { rows: rowsOf(summary), nulls: summary.nulls };
  if (summary.type === 'categories' || summary.mean === undefined) return figures;
  const { mean, min, max, count, squares } = summary;
  return {
    ...figures,
    mean,
    stddev: Math.sqrt(squares / Math.max(1, count - 1)),
    ...(!masked && min !== undefined && max !== undefined && { min, max }),
  };
}

/** Resamples both histograms to bins of equal width, without the outer one percent on both sides. Counts spread evenly within their original bins. */
function pictureOf(current: NumberSummary, then: NumberSummary | undefined): Pick<ColumnComparison, 'histogram'> {
  const of = then ?? current;
  const { edges } = of.bins;
  if (of.min === undefined || of.max === undefined || current.min === undefined || current.max === undefined) return {};
  const few = of.lattice === 'values' && edges.length < BINS;
  const low = edges[0] ?? of.min;
  const high = edges.at(-1) ?? of.max;
  const cuts =
    few || high <= low
      ? [...edges]
      : Array.from({ length: BINS - 1 }, (_, at) => low + ((high - low) * at) / (BINS - 2));
  return {
    histogram: {
      edges: cuts,
      current: spread(current, cuts),
      baseline: then === undefined ? cuts.map(() => 0).concat(0) : spread(then, cuts),
    },
  };
}

function spread({ bins, min = 0, max = 0 }: NumberSummary, cuts: readonly number[]): number[] {
  const ends = [min, ...bins.edges, max];
  const below = (cut: number): number =>
    bins.counts.reduce((sum, n, at) => {
      const [from = 0, to = 0] = [ends[at], ends[at + 1]];
      if (to <= cut) return sum + n;
      if (from >= cut || to <= from) return sum;
      return sum + (n * (cut - from)) / (to - from);
    }, 0);
  const total = bins.counts.reduce((sum, n) => sum + n, 0);
  const upTo = [...cuts.map(below), total];
  return upTo.map((n, at) => Math.max(0, Math.round(n) - Math.round(upTo[at - 1] ?? 0)));
}

function categoriesOf(
  current: Extract<ColumnSummary, { type: 'categories' }>,
  then: ColumnSummary | undefined,
): Pick<ColumnComparison, 'categories' | 'others'> {
  const before = then?.type === 'categories' ? then : undefined;
  const names = [...new Set([...current.counts.keys(), ...(before?.counts.keys() ?? [])])];
  const all = names
    .map((value) => ({ value, current: current.counts.get(value) ?? 0, baseline: before?.counts.get(value) ?? 0 }))
    .toSorted((a, b) => Math.max(b.current, b.baseline) - Math.max(a.current, a.baseline));
  const shown = all.slice(0, MOST_CATEGORIES);
  const left = (of: 'current' | 'baseline', count: number) => count - shown.reduce((sum, one) => sum + one[of], 0);
  return {
    categories: shown,
    others: { current: left('current', current.count), baseline: left('baseline', before?.count ?? 0) },
  };
}
