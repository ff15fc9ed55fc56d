/** Labels that came: performance of the windows that they are of is worked out again, and nothing else. */
import { nameOfCheck, type MonitorPerformance, type MonitorResult, type ServedVersion } from '@dais/api/monitoring';
import type { JobIo } from '#kernel/job-runner.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { countLabels } from '#ledgers/predictions/index.ts';
import { Asking } from './asking.ts';
import { unknownOutcome, type CheckOutcome } from './checks/outcome.ts';
import { judgePerformance, type PerformanceCheck } from './checks/performance.ts';
import { followStreaks } from './commit-window.ts';
import { measurePerformance } from './measure-performance.ts';
import { findMonitor, lockMonitor, type MonitorRow } from './monitor-rows.ts';
import type { MonitoringParts } from './monitoring-parts.ts';
import { restate } from './restate.ts';
import type { PredictionBounds } from './source/window.ts';

const MOST_WINDOWS = 200;
const HOUR_MS = 3_600_000;

interface WaitingWindow {
  readonly id: string;
  readonly number: number;
  readonly from_at: bigint;
  readonly until_at: bigint;
  readonly label_count: bigint;
  readonly sums: { readonly bounds: PredictionBounds };
  readonly versions: readonly ServedVersion[];
  readonly results: readonly MonitorResult[];
  readonly labels_at: bigint | null;
}

/** Gives how many windows were judged by their labels. */
export async function judgeLabels(parts: MonitoringParts, uid: string, io: JobIo): Promise<number> {
  const monitor = await io.read(async ({ sql }) => await findMonitor(sql, uid));
  const check = monitor?.spec.checks.find((one): one is PerformanceCheck => one.type === 'performance');
  if (monitor === undefined || monitor.endpoint === null || check === undefined) return 0;
  const of = { projectId: monitor.project_id, endpoint: monitor.endpoint };
  const { windows, counts } = await io.read(async ({ sql }) => {
    const found = await sql.query<WaitingWindow>(
      `select id, number, from_at, until_at, label_count, sums, versions, results, labels_at from monitoring.window
       where monitor = $1 and awaits order by number limit ${MOST_WINDOWS}`,
      [uid],
      'windows_that_wait',
    );
    const times = found.map((one) => ({ from: Number(one.from_at), until: Number(one.until_at) }));
    return { windows: found, counts: await countLabels(sql, of, times) };
  });
  let judged = 0;
  for (const [at, window] of windows.entries()) {
    io.signal.throwIfAborted();
    const labels = counts[at] ?? 0;
    const mature = parts.clock.now() > Number(window.until_at) + monitor.spec.labelHours * HOUR_MS;
    if (!mature && labels === Number(window.label_count)) continue;
    await judgeOne(parts, io, { monitor, check, window, labels, mature });
    judged += 1;
  }
  return judged;
}

async function judgeOne(
  parts: MonitoringParts,
  io: JobIo,
  {
    monitor,
    check,
    window,
    labels,
    mature,
  }: {
    readonly monitor: MonitorRow;
    readonly check: PerformanceCheck;
    readonly window: WaitingWindow;
    readonly labels: number;
    readonly mature: boolean;
  },
): Promise<void> {
  const { spec } = monitor;
  const of = { projectId: monitor.project_id, endpoint: monitor.endpoint ?? '' };
  const time = { from: Number(window.from_at), until: Number(window.until_at) };
  const asking = new Asking(await parts.query(), monitor.project_id, io.signal);
  const told = await parts.predictions.withLabels(
    of,
    time,
    async (found) => await measurePerformance(asking, found, window.sums.bounds, { spec, check, mature }),
  );
  await io.write(async (tx) => {
    const locked = await lockMonitor(tx.sql, monitor.uid);
    if (locked === undefined || JSON.stringify(locked.spec) !== JSON.stringify(spec)) return;
    const outcome =
      'unknown' in told
        ? unknownOutcome(check, spec, 'labelled', told.unknown)
        : judgePerformance(check, spec, told, await referenceOf(tx, monitor, window.number, check));
    await write(tx, parts, locked, { window, outcome, told: 'unknown' in told ? undefined : told, labels, mature });
  });
}

async function referenceOf({ sql }: Transaction, monitor: MonitorRow, number: number, check: PerformanceCheck) {
  const [row] = await sql.query<{ performance: MonitorPerformance }>(
    `select performance from monitoring.window where monitor = $1 and number < $2 and labelled >= $3
     order by number limit 1`,
    [monitor.uid, number, check.minLabelled],
    'first_labelled_window',
  );
  return row?.performance.metrics;
}

async function write(
  tx: Transaction,
  parts: MonitoringParts,
  monitor: MonitorRow,
  {
    window,
    outcome,
    told,
    labels,
    mature,
  }: {
    readonly window: WaitingWindow;
    readonly outcome: CheckOutcome;
    readonly told: MonitorPerformance | undefined;
    readonly labels: number;
    readonly mature: boolean;
  },
): Promise<void> {
  const { results, verdict, reason } = restate(monitor.spec, window.results, outcome);
  await tx.sql.query(
    `update monitoring.window set results = $2, verdict = $3, reason = $4, performance = $5, labelled = $6, label_count = $7,
       labels_at = $8, awaits = not $9 where id = $1`,
    [
      window.id,
      JSON.stringify(results),
      verdict,
      reason ?? null,
      told === undefined ? null : JSON.stringify(told),
      told?.labelled ?? 0,
      labels,
      parts.clock.now(),
      mature,
    ],
    'label_window',
  );
  // A window counts once in a row of windows, when it first has enough labels; older ones than the newest such never again.
  const name = nameOfCheck({ type: 'performance', name: outcome.name });
  const counted = window.results.some((one) => one.check === name && one.verdict !== 'unknown');
  if (!counted && outcome.verdict !== 'unknown') {
    const [version] = window.versions;
    const nodes = version?.node === undefined ? [] : [version.node];
    const cause = { number: window.number, version, nodes, baseline: monitor.baseline ?? undefined };
    const streaks = await followStreaks(tx, parts, monitor, [outcome], cause);
    await tx.sql.query(
      'update monitoring.monitor set streaks = $2 where uid = $1',
      [monitor.uid, JSON.stringify({ ...monitor.streaks, ...streaks })],
      'monitor_streaks',
    );
  }
  if (window.number === monitor.number) {
    await tx.sql.query(
      'update monitoring.monitor set state = $2, reason = $3 where uid = $1',
      [monitor.uid, verdict, reason ?? null],
      'monitor_state',
    );
  }
  await wakeResources(tx.sql, [monitor.uid]);
}
