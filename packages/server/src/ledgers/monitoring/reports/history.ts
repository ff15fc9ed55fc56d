/** Metrics of windows as series, and summaries of monitors for lists. */
import {
  type MonitorHistory,
  type MonitorResult,
  type MonitorSeries,
  type MonitorSummary,
  type CheckStatus,
} from '@dais/api/monitoring';
import type { Transaction } from '#kernel/transaction.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import { outcomesOf } from '../checks/outcome.ts';

export interface HistoryFilter {
  readonly check?: string;
  readonly column?: string;
  readonly metric?: string;
  readonly windows: number;
  readonly before?: number;
  readonly limit: number;
}

interface HistoryRow {
  readonly number: number;
  readonly from_at: bigint;
  readonly until_at: bigint;
  readonly rows: bigint;
  readonly labeled: bigint;
  readonly status: CheckStatus;
  readonly results: readonly MonitorResult[];
}

export async function readHistory(
  { sql }: Transaction,
  monitor: MonitorRow,
  { check, column, metric, windows, before, limit }: HistoryFilter,
): Promise<MonitorHistory> {
  const rows = await sql.query<HistoryRow>(
    `select number, from_at, until_at, rows, labeled, status, results from monitoring.window where monitor = $1
       and ($2::int is null or number < $2) order by number desc limit $3`,
    [monitor.uid, before ?? null, windows],
    'monitor_history',
  );
  const oldestFirst = rows.toReversed();
  const series = new Map<string, { readonly series: MonitorSeries; readonly bad: number }>();
  for (const [at, { results }] of oldestFirst.entries()) {
    for (const one of results) {
      if (check !== undefined && one.check !== check) continue;
      if (column !== undefined && one.column !== column) continue;
      if (metric !== undefined && one.metric !== metric) continue;
      const key = JSON.stringify([one.check, one.metric, one.column ?? null, one.segment ?? null]);
      const known = series.get(key) ?? { series: emptySeries(one, oldestFirst.length), bad: 0 };
      const found = known.series;
      found.values[at] = one.value ?? null;
      found.thresholds[at] = one.threshold ?? null;
      found.pValues[at] = one.pValue ?? null;
      found.low[at] = one.low ?? null;
      found.high[at] = one.high ?? null;
      found.statuses[at] = one.status;
      series.set(key, { series: found, bad: known.bad + (one.status === 'failing' ? 1 : 0) });
    }
  }
  const all = [...series.values()].toSorted((a, b) => b.bad - a.bad).map((one): MonitorSeries => one.series);
  return {
    monitor: monitor.name,
    windows: oldestFirst.map((row) => ({
      number: row.number,
      from: Number(row.from_at),
      until: Number(row.until_at),
      rows: Number(row.rows),
      labeled: Number(row.labeled),
      status: row.status,
    })),
    series: all.slice(0, limit),
    more: Math.max(0, all.length - limit),
  };
}

function emptySeries({ check, type, metric, column, segment }: MonitorResult, length: number) {
  const none = <T>() => Array.from({ length }, (): T | null => null);
  return {
    check,
    type,
    metric,
    ...(column !== undefined && { column }),
    ...(segment !== undefined && { segment }),
    values: none<number>(),
    thresholds: none<number>(),
    pValues: none<number>(),
    low: none<number>(),
    high: none<number>(),
    statuses: none<CheckStatus>(),
  };
}

const RECENT = 30;

interface SummaryRow extends MonitorRow {
  readonly next_check_at: Date;
  readonly open: number;
  readonly acknowledged: number;
  readonly results: readonly MonitorResult[] | null;
  readonly recent: readonly { number: number; until: string; rows: string; status: CheckStatus }[] | null;
}

/** Returns summaries by name after `after`, or the one with `name`. */
export async function readSummaries(
  { sql, projectId }: Transaction,
  filter: {
    readonly name?: string;
    readonly endpoint?: string | undefined;
    readonly dataset?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<MonitorSummary[]> {
  const rows = await sql.query<SummaryRow>(
    `select m.*, a.open, a.acknowledged, w.results,
       (select json_agg(r order by r.number) from (select number, until_at::text as until, rows::text, status
          from monitoring.window where monitor = m.uid order by number desc limit ${RECENT}) r) as recent
     from monitoring.monitor m
     left join monitoring.window w on w.monitor = m.uid and w.number = m.number
     cross join lateral (select count(*)::int as open, count(acknowledged_at)::int as acknowledged
       from monitoring.alert where monitor = m.uid and state = 'open') a
     where m.project_id = $1 and ($2::text is null or m.name = $2) and ($3::text is null or m.endpoint = $3)
       and ($4::text is null or m.dataset = $4) and ($5::text is null or m.name > $5)
     order by m.name limit $6`,
    [
      projectId,
      filter.name ?? null,
      filter.endpoint ?? null,
      filter.dataset ?? null,
      filter.after ?? null,
      filter.limit,
    ],
    'monitor_summaries',
  );
  return rows.map(presentSummary);
}

function presentSummary(row: SummaryRow): MonitorSummary {
  const { spec, error: problem } = row;
  return {
    monitor: row.name,
    ...(row.endpoint !== null && { endpoint: row.endpoint }),
    ...(row.dataset !== null && { dataset: row.dataset }),
    suspended: row.suspended,
    // A failed evaluation is unknown, whatever the last result was.
    state: problem === null ? row.state : 'unknown',
    ...((problem ?? row.reason) !== null && { reason: problem ?? row.reason ?? '' }),
    ...(row.baseline !== null && { baseline: row.baseline }),
    windows: row.number,
    openAlerts: row.open,
    acknowledged: row.acknowledged,
    checks:
      row.results === null
        ? []
        : outcomesOf(spec, row.results).map(({ name, type, status, reason }) => ({
            check: name,
            type,
            status,
            ...(reason !== undefined && { reason }),
          })),
    recent: (row.recent ?? []).map(({ number, until, rows, status }) => ({
      number,
      until: Number(until),
      rows: Number(rows),
      status,
    })),
  };
}
