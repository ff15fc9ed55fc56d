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
  MonitorVerdict,
  ServedVersion,
} from '@dais/api/monitoring';
import type { Transaction } from '#kernel/transaction.ts';
import { fieldOf, readBaseline, type Baseline, type ColumnRow } from './baselines.ts';
import { comparisonOf } from './column-comparison.ts';
import { keyOfField } from './fields.ts';
import type { MonitorRow } from './monitor-rows.ts';

interface HeadRow {
  readonly id: string;
  readonly number: number;
  readonly from_at: bigint;
  readonly until_at: bigint;
  readonly rows: bigint;
  readonly requests: bigint;
  readonly verdict: MonitorVerdict;
  readonly reason: string | null;
  readonly versions: readonly ServedVersion[];
  readonly dataset_version: string | null;
  readonly baseline_about: MonitorBaselineUsed | null;
  readonly labelled: bigint;
  readonly evaluated_at: bigint;
  readonly labels_at: bigint | null;
  readonly bad: number;
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

const HEAD = `id, number, from_at, until_at, rows, requests, verdict, reason, versions, dataset_version, baseline_about, labelled,
  evaluated_at, labels_at,
  (select count(*)::int from jsonb_array_elements(results) r where r->>'verdict' = 'bad') as bad,
  (select count(*)::int from jsonb_array_elements(results) r where r->>'verdict' = 'unknown') as unknown`;

function presentHead(row: HeadRow, monitor: string): MonitorReportHead {
  return {
    id: row.id,
    monitor,
    number: row.number,
    from: Number(row.from_at),
    until: Number(row.until_at),
    rows: Number(row.rows),
    requests: Number(row.requests),
    verdict: row.verdict,
    ...(row.reason !== null && { reason: row.reason }),
    bad: row.bad,
    unknown: row.unknown,
    versions: [...row.versions],
    ...(row.dataset_version !== null && { datasetVersion: row.dataset_version }),
    ...(row.baseline_about !== null && { baseline: row.baseline_about }),
    labelled: Number(row.labelled),
    evaluatedAt: Number(row.evaluated_at),
    ...(row.labels_at !== null && { labelsAt: Number(row.labels_at) }),
  };
}

export async function listHeads(
  { sql }: Transaction,
  monitor: MonitorRow,
  filter: {
    readonly verdict?: MonitorVerdict | undefined;
    readonly before?: bigint | undefined;
    readonly limit: number;
  },
): Promise<MonitorReportHead[]> {
  const rows = await sql.query<HeadRow>(
    `select ${HEAD} from monitoring.window where monitor = $1 and ($2::text is null or verdict = $2)
       and ($3::int is null or number < $3) order by number desc limit $4`,
    [monitor.uid, filter.verdict ?? null, filter.before ?? null, filter.limit],
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
