/** Recomputes the performance of windows for which new labels arrived, and nothing else. */
import { countNoun } from '@dais/api';
import {
  nameOfCheck,
  type MonitorCheck,
  type MonitorFairness,
  type MonitorPerformance,
  type MonitorResult,
  type MonitorSpec,
  type ServedVersion,
} from '@dais/api/monitoring';
import { column } from '#engines/query/model/build.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { countLabels, type LabeledPredictions } from '#ledgers/predictions/index.ts';
import { QueryRunner } from '../query-runner.ts';
import { evaluateFairness } from '../checks/fairness.ts';
import { unknownOutcome, statusOf, type CheckOutcome, outcomesOf, replaceOutcome } from '../checks/outcome.ts';
import { evaluatePerformance, type PerformanceCheck } from '../checks/performance.ts';
import { targetOf } from '../metrics/classes.ts';
import { followStreaks } from './commit-window.ts';
import { NO_CLASSES } from './evaluate-outputs.ts';
import {
  measureFairness,
  presentFairness,
  type FairnessCheck,
  type MeasuredFairness,
} from '../metrics/measure-fairness.ts';
import { measurePerformance, outputsAndInputs, type Measuring } from '../metrics/measure-performance.ts';
import { findMonitor, lockMonitor, type MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { filterByRange, evaluatedRows, masksOf } from './prediction-window.ts';
import type { PredictionRange } from './window.ts';

const MAX_WINDOWS = 200;
const HOUR_MS = 3_600_000;

interface WaitingWindow {
  readonly id: string;
  readonly number: number;
  readonly from_at: bigint;
  readonly until_at: bigint;
  readonly rows: bigint;
  readonly label_count: bigint;
  readonly sums: { readonly range: PredictionRange };
  readonly versions: readonly ServedVersion[];
  readonly results: readonly MonitorResult[];
  readonly labels_at: bigint | null;
}

/** Returns how many windows were evaluated with labels. */
export async function evaluateLabels(dependencies: MonitoringDependencies, uid: string, io: JobIo): Promise<number> {
  const monitor = await io.read(async ({ sql }) => await findMonitor(sql, uid));
  const checks = (monitor?.spec.checks ?? []).filter(isOfLabels);
  if (monitor === undefined || monitor.endpoint === null || checks.length === 0) return 0;
  const of = { projectId: monitor.project_id, endpoint: monitor.endpoint };
  const { windows, counts } = await io.read(async ({ sql }) => {
    const found = await sql.query<WaitingWindow>(
      `select id, number, from_at, until_at, rows, label_count, sums, versions, results, labels_at from monitoring.window
       where monitor = $1 and awaiting_labels order by number limit ${MAX_WINDOWS}`,
      [uid],
      'windows_that_wait',
    );
    const times = found.map((one) => ({ from: Number(one.from_at), until: Number(one.until_at) }));
    return { windows: found, counts: await countLabels(sql, of, times) };
  });
  let done = 0;
  for (const [at, window] of windows.entries()) {
    io.signal.throwIfAborted();
    const labels = counts[at] ?? 0;
    const mature = dependencies.clock.now() > Number(window.until_at) + monitor.spec.labelHours * HOUR_MS;
    if (!mature && labels === Number(window.label_count)) continue;
    await evaluateOne(dependencies, io, { monitor, checks, window, labels, mature });
    done += 1;
  }
  return done;
}

type LabelCheck = PerformanceCheck | FairnessCheck;

function isOfLabels(check: MonitorCheck): check is LabelCheck {
  return check.type === 'performance' || check.type === 'fairness';
}

/** The labeled outcome of one check. */
interface LabeledCheck {
  readonly check: LabelCheck;
  readonly performance?: MonitorPerformance;
  readonly fairness?: readonly MeasuredFairness[];
  readonly unknown?: string;
}

interface LabelEvaluation {
  readonly monitor: MonitorRow;
  readonly window: WaitingWindow;
  readonly labels: number;
  readonly mature: boolean;
}

async function evaluateOne(
  dependencies: MonitoringDependencies,
  io: JobIo,
  { monitor, checks, window, labels, mature }: LabelEvaluation & { readonly checks: readonly LabelCheck[] },
): Promise<void> {
  const { spec } = monitor;
  const of = { projectId: monitor.project_id, endpoint: monitor.endpoint ?? '' };
  const time = { from: Number(window.from_at), until: Number(window.until_at) };
  const runner = new QueryRunner(await dependencies.query(), monitor.project_id, io.signal);
  const masked = await masksOf(dependencies, monitor);
  const labeled = await dependencies.predictions.withLabels(of, time, async (found) => {
    const all: LabeledCheck[] = [];
    for (const check of checks) {
      all.push(
        check.type === 'performance'
          ? await performanceOf(runner, found, window.sums.range, { spec, check, mature, masked })
          : await fairnessWithLabels(runner, found, window, { spec, check, masked }),
      );
    }
    return all;
  });
  await io.write(async (tx) => {
    const locked = await lockMonitor(tx.sql, monitor.uid);
    if (locked === undefined || JSON.stringify(locked.spec) !== JSON.stringify(spec)) return;
    const outcomes: CheckOutcome[] = [];
    for (const one of labeled) outcomes.push(await outcomeOfLabels(tx, locked, window.number, one));
    await write(tx, dependencies, { monitor: locked, window, labels, mature }, outcomes, labeled);
  });
}

async function performanceOf(
  runner: QueryRunner,
  found: LabeledPredictions,
  range: PredictionRange,
  measuring: Measuring,
): Promise<LabeledCheck> {
  const { check } = measuring;
  const measured = await measurePerformance(runner, found, range, measuring);
  return 'unknown' in measured ? { check, unknown: measured.unknown } : { check, performance: measured };
}

async function fairnessWithLabels(
  runner: QueryRunner,
  found: LabeledPredictions,
  window: WaitingWindow,
  {
    spec,
    check,
    masked,
  }: { readonly spec: MonitorSpec; readonly check: FairnessCheck; readonly masked: ReadonlySet<string> },
): Promise<LabeledCheck> {
  if (Number(window.rows) < spec.minSamples) {
    return { check, unknown: `The window has ${countNoun(window.rows, 'row')}, fewer than ${spec.minSamples}.` };
  }
  const rows = evaluatedRows(filterByRange(found.labeled, window.sums.range));
  const fields = await outputsAndInputs(runner, found, { spec, masked, rows });
  const target = targetOf(spec.prediction, fields);
  if ('unknown' in target) return { check, unknown: target.unknown };
  if (target.task === 'regression') return { check, unknown: NO_CLASSES };
  const label = column('label');
  const measured = await measureFairness(
    runner,
    { tables: found.tables, relation: rows },
    { check, target, fields, label },
  );
  return 'unknown' in measured ? { check, unknown: measured.unknown } : { check, fairness: measured };
}

async function outcomeOfLabels(
  tx: Transaction,
  monitor: MonitorRow,
  number: number,
  { check, performance, fairness, unknown }: LabeledCheck,
): Promise<CheckOutcome> {
  const { spec } = monitor;
  if (check.type === 'fairness') {
    return fairness === undefined
      ? unknownOutcome(check, spec, 'demographic_parity_difference', unknown ?? '')
      : evaluateFairness(check, spec, fairness);
  }
  return performance === undefined
    ? unknownOutcome(check, spec, 'labeled', unknown ?? '')
    : evaluatePerformance(check, spec, performance, await referenceOf(tx, monitor, number, check));
}

async function referenceOf({ sql }: Transaction, monitor: MonitorRow, number: number, check: PerformanceCheck) {
  const [row] = await sql.query<{ performance: MonitorPerformance }>(
    `select performance from monitoring.window where monitor = $1 and number < $2 and labeled >= $3 and performance is not null
     order by number limit 1`,
    [monitor.uid, number, check.minLabeled],
    'first_labeled_window',
  );
  return row?.performance.metrics;
}

async function write(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  { monitor, window, labels, mature }: LabelEvaluation,
  outcomes: readonly CheckOutcome[],
  labeled: readonly LabeledCheck[],
): Promise<void> {
  let results = window.results;
  for (const outcome of outcomes) ({ results } = replaceOutcome(monitor.spec, results, outcome));
  const { status, reason } = statusOf(outcomesOf(monitor.spec, results));
  const performance = labeled.find((one) => one.performance !== undefined)?.performance;
  const fairness = labeled.flatMap((one) => presentFairness(nameOfCheck(one.check), one.fairness ?? []));
  await tx.sql.query(
    `update monitoring.window set results = $2, status = $3, reason = $4, performance = $5, labeled = $6, label_count = $7,
       labels_at = $8, awaiting_labels = not $9, fairness = $10 where id = $1`,
    [
      window.id,
      JSON.stringify(results),
      status,
      reason ?? null,
      performance === undefined ? null : JSON.stringify(performance),
      performance?.labeled ?? labeledOf(fairness),
      labels,
      dependencies.clock.now(),
      mature,
      fairness.length === 0 ? null : JSON.stringify(fairness),
    ],
    'label_window',
  );
  // A window counts once in a streak, when it is first labeled; windows older than the newest labeled one never count.
  const before = outcomesOf(monitor.spec, window.results);
  const anew = outcomes.filter(
    (outcome) =>
      outcome.status !== 'unknown' && before.every((one) => one.name !== outcome.name || one.status === 'unknown'),
  );
  if (anew.length > 0) {
    const [version] = window.versions;
    const nodes = version?.node === undefined ? [] : [version.node];
    const cause = { number: window.number, version, nodes, baseline: monitor.baseline ?? undefined };
    const streaks = await followStreaks(tx, dependencies, monitor, anew, cause);
    await tx.sql.query(
      'update monitoring.monitor set streaks = $2 where uid = $1',
      [monitor.uid, JSON.stringify({ ...monitor.streaks, ...streaks })],
      'monitor_streaks',
    );
  }
  if (window.number === monitor.number) {
    await tx.sql.query(
      'update monitoring.monitor set state = $2, reason = $3 where uid = $1',
      [monitor.uid, status, reason ?? null],
      'monitor_state',
    );
  }
  await wakeResources(tx.sql, [monitor.uid]);
}

function labeledOf(fairness: readonly MonitorFairness[]): number {
  return fairness[0]?.groups.reduce((sum, { labeled }) => sum + labeled, 0) ?? 0;
}
