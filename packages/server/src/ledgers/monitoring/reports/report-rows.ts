/** Stored reports, and their presentation. */
import { DaisError } from '@dais/api';
import type {
  ColumnComparison,
  MonitorAttributions,
  MonitorBaselineUsed,
  MonitorEstimate,
  MonitorExample,
  MonitorFairness,
  MonitorPerformance,
  MonitorReport,
  MonitorReportHead,
  MonitorResult,
  CheckStatus,
  ServedVersion,
} from '@dais/api/monitoring';
import type { Transaction } from '#kernel/transaction.ts';
import type { ColumnSummary, NumberSummary } from '#lib/statistics/column-summary.ts';
import { fieldOf, readBaseline, type Baseline, type ColumnRow, type StoredField } from '../baselines/baselines.ts';
import { rowsOf } from '../checks/quality.ts';
import { keyOfField } from '../metrics/fields.ts';
import type { MonitorRow } from '../monitor-rows.ts';

interface HeadRow {
  readonly id: string;
  readonly number: number;
  readonly from_at: bigint;
  readonly until_at: bigint;
  readonly rows: bigint;
  readonly requests: bigint;
  readonly status: CheckStatus;
  readonly reason: string | null;
  readonly versions: readonly ServedVersion[];
  readonly dataset_version: string | null;
  readonly baseline_details: MonitorBaselineUsed | null;
  readonly labeled: bigint;
  readonly evaluated_at: bigint;
  readonly labels_at: bigint | null;
  readonly failing: number;
  readonly unknown: number;
}

export interface WindowRow extends HeadRow {
  readonly baseline: string | null;
  readonly results: readonly MonitorResult[];
  readonly examples: readonly MonitorExample[];
  readonly notes: readonly string[];
  readonly performance: MonitorPerformance | null;
  readonly estimates: readonly MonitorEstimate[] | null;
  readonly fairness: readonly MonitorFairness[] | null;
  readonly attributions: readonly MonitorAttributions[] | null;
}

const HEAD = `id, number, from_at, until_at, rows, requests, status, reason, versions, dataset_version, baseline_details, labeled,
  evaluated_at, labels_at,
  (select count(*)::int from jsonb_array_elements(results) r where r->>'status' = 'failing') as failing,
  (select count(*)::int from jsonb_array_elements(results) r where r->>'status' = 'unknown') as unknown`;

function presentHead(row: HeadRow, monitor: string): MonitorReportHead {
  return {
    id: row.id,
    monitor,
    number: row.number,
    from: Number(row.from_at),
    until: Number(row.until_at),
    rows: Number(row.rows),
    requests: Number(row.requests),
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    failing: row.failing,
    unknown: row.unknown,
    versions: [...row.versions],
    ...(row.dataset_version !== null && { datasetVersion: row.dataset_version }),
    ...(row.baseline_details !== null && { baseline: row.baseline_details }),
    labeled: Number(row.labeled),
    evaluatedAt: Number(row.evaluated_at),
    ...(row.labels_at !== null && { labelsAt: Number(row.labels_at) }),
  };
}

export async function listHeads(
  { sql }: Transaction,
  monitor: MonitorRow,
  filter: {
    readonly status?: CheckStatus | undefined;
    readonly before?: bigint | undefined;
    readonly limit: number;
  },
): Promise<MonitorReportHead[]> {
  const rows = await sql.query<HeadRow>(
    `select ${HEAD} from monitoring.window where monitor = $1 and ($2::text is null or status = $2)
       and ($3::int is null or number < $3) order by number desc limit $4`,
    [monitor.uid, filter.status ?? null, filter.before ?? null, filter.limit],
    'list_reports',
  );
  return rows.map((row) => presentHead(row, monitor.name));
}

/** Reads the report of a window. `window`: its number, or `latest`. @throws DaisError `not_found`. */
export async function readReport(tx: Transaction, monitor: MonitorRow, window: string): Promise<MonitorReport> {
  const number = window === 'latest' ? monitor.number : Number(window);
  const [row] = await tx.sql.query<WindowRow>(
    `select ${HEAD}, baseline, results, examples, notes, performance, estimates, fairness, attributions
     from monitoring.window where monitor = $1 and number = $2`,
    [monitor.uid, number],
    'read_report',
  );
  if (row === undefined) {
    const why =
      monitor.number === 0
        ? `${monitor.name} has not evaluated a window yet.`
        : `${monitor.name} has no report of window ${number}. The newest window is ${monitor.number}; ${monitor.spec.keepWindows} windows are kept.`;
    throw new DaisError('not_found', why);
  }
  const baseline = row.baseline === null ? undefined : await readBaseline(tx.sql, row.baseline);
  return {
    ...presentHead(row, monitor.name),
    results: [...row.results],
    columns: await columnsOf(tx, row, baseline),
    examples: [...row.examples],
    ...(row.performance !== null && { performance: row.performance }),
    ...(row.estimates !== null && { estimates: [...row.estimates] }),
    ...(row.fairness !== null && { fairness: [...row.fairness] }),
    ...(row.attributions !== null && { attributions: [...row.attributions] }),
    notes: [...row.notes],
  };
}

async function columnsOf(
  { sql }: Transaction,
  { id, results }: WindowRow,
  baseline: Baseline | undefined,
): Promise<ColumnComparison[]> {
  const rows = await sql.query<ColumnRow>(
    'select side, name, family, masked, summary from monitoring.column where "window" = $1',
    [id],
    'columns_of_window',
  );
  // Same order as the results: failing first.
  const order = new Map(
    results.flatMap(({ column }, at) => (column === undefined ? [] : [[column, at] as const])).toReversed(),
  );
  return rows
    .map(fieldOf)
    .toSorted((a, b) => (order.get(a.name) ?? 1e9) - (order.get(b.name) ?? 1e9) || (a.name < b.name ? -1 : 1))
    .map((field) => comparisonOf(field, baseline?.fields.get(keyOfField(field))));
}

const BINS = 20;
const MOST_CATEGORIES = 20;

function comparisonOf(field: StoredField, baseline: StoredField | undefined): ColumnComparison {
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
