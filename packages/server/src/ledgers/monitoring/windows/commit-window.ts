/** Writes the results of a window, its alerts and the pipeline start in one transaction. */
import { countNoun, eventTypes } from '@dais/api';
import { nameOfCheck, type MonitorResult, type CheckStatus } from '@dais/api/monitoring';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { summaryToJson } from '#lib/statistics/column-summary.ts';
import { continueAlert, openAlerts, raiseAlert, resolveAlert, sendAlert, type AlertCause } from '../alerts/alerts.ts';
import { decide } from '../alerts/decisions.ts';
import { keepAttributions } from '../baselines/attribution-rows.ts';
import { keepBaseline } from '../baselines/baselines.ts';
import { keepReference } from '../baselines/score-reference.ts';
import { statusOf, type CheckOutcome } from '../checks/outcome.ts';
import { lockMonitor, type MonitorRow, type Streak } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { knownInputsKey, type EvaluatedWindow } from './evaluate-window.ts';

/** Maximum number of versions whose inputs are stored. */
const MAX_KNOWN = 20;
/** Maximum number of results that are stored per window; failing ones come first. */
const MAX_RESULTS = 3000;

/** Returns false if another process evaluated the window, or the monitor has changed since it was read. */
export async function commitWindow(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  read: MonitorRow,
  evaluated: EvaluatedWindow,
): Promise<boolean> {
  const monitor = await lockMonitor(tx.sql, read.uid);
  if (monitor === undefined || monitor.number !== read.number || !sameSpec(monitor, read)) return false;
  const now = dependencies.clock.now();
  const number = monitor.number + 1;
  const { status, reason } = statusOf(evaluated.outcomes);
  const id = uuidv7(now);
  const results = resultsOf(evaluated.outcomes);
  for (const made of evaluated.made) await keepBaseline(tx, monitor.uid, made, now);
  for (const made of evaluated.references) await keepReference(tx, monitor.uid, made, now);
  for (const made of evaluated.sides) await keepAttributions(tx, monitor.uid, made, now);
  await insertWindow(tx, monitor, evaluated, { id, number, status, reason, results, now });
  await insertColumns(tx, evaluated, id);
  const cause = causeOf(evaluated, number, monitor);
  const streaks = await followStreaks(tx, dependencies, monitor, evaluated.outcomes, cause);
  await advance(tx, monitor, evaluated, { number, status, reason, streaks });
  await forgetOld(tx, monitor, number);
  const failing = results.filter((one) => one.status === 'failing').length;
  tx.emit({
    type: eventTypes.monitorReported,
    projectId: tx.projectId,
    subject: { kind: 'Monitor', name: monitor.name, uid: monitor.uid },
    data: { window: number, status, rows: evaluated.window.rows, failing },
  });
  await wakeResources(tx.sql, [monitor.uid]);
  return true;
}

function sameSpec(one: MonitorRow, other: MonitorRow): boolean {
  return JSON.stringify(one.spec) === JSON.stringify(other.spec);
}

function resultsOf(outcomes: readonly CheckOutcome[]): readonly MonitorResult[] {
  const rank = { failing: 0, unknown: 1, passing: 2 } as const;
  return outcomes
    .flatMap(({ results }) => results)
    .toSorted((a, b) => rank[a.status] - rank[b.status])
    .slice(0, MAX_RESULTS);
}

function causeOf({ versions, baseline, window }: EvaluatedWindow, number: number, monitor: MonitorRow): AlertCause {
  const [version] = versions;
  const nodes = [
    ...(version?.node === undefined ? [] : [version.node]),
    ...(baseline?.about.node === undefined ? [] : [baseline.about.node]),
    ...(window.dataset === undefined ? [] : [`dataset-version:${window.dataset.id}`]),
  ];
  return { number, version, nodes, baseline: baseline?.about.name ?? monitor.baseline ?? undefined };
}

async function insertWindow(
  tx: Transaction,
  monitor: MonitorRow,
  { window, versions, baseline, examples, notes, slo, estimates, fairness, attributions }: EvaluatedWindow,
  row: {
    readonly id: string;
    readonly number: number;
    readonly status: string;
    readonly reason: string | undefined;
    readonly results: readonly MonitorResult[];
    readonly now: number;
  },
): Promise<void> {
  const { range } = window;
  const awaits = monitor.spec.checks.some(({ type }) => OF_LABELS.has(type));
  await tx.sql.query(
    `insert into monitoring.window (id, project_id, monitor, number, from_at, until_at, rows, requests, status, reason,
       versions, dataset_version, baseline, baseline_details, results, examples, notes, sums, awaiting_labels, evaluated_at,
       estimates, fairness, attributions)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
       (select b.id from monitoring.baseline b where b.id = $13), $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
    [
      row.id,
      tx.projectId,
      monitor.uid,
      row.number,
      range.from,
      range.until,
      window.rows,
      window.requests?.requests ?? 0,
      row.status,
      row.reason ?? null,
      JSON.stringify(versions),
      window.dataset === undefined ? null : `${window.dataset.name}@${window.dataset.number}`,
      baseline?.id ?? null,
      baseline === undefined ? null : JSON.stringify(baseline.about),
      JSON.stringify(row.results),
      JSON.stringify(examples),
      JSON.stringify(notes),
      JSON.stringify({ slo, range }),
      awaits && monitor.dataset === null,
      row.now,
      estimates.length === 0 ? null : JSON.stringify(estimates),
      fairness.length === 0 ? null : JSON.stringify(fairness),
      attributions.length === 0 ? null : JSON.stringify(attributions),
    ],
    'insert_window',
  );
}

/** Checks whose result changes when labels arrive. */
const OF_LABELS: ReadonlySet<string> = new Set(['performance', 'fairness']);

async function insertColumns(tx: Transaction, { fields, edges }: EvaluatedWindow, window: string): Promise<void> {
  if (fields.length === 0) return;
  await tx.sql.query(
    `insert into monitoring.column ("window", project_id, side, name, family, masked, summary, baseline)
     select $1, $2, t.side, t.name, t.family, t.masked, t.summary::jsonb, $3
     from unnest($4::text[], $5::text[], $6::text[], $7::bool[], $8::text[]) as t (side, name, family, masked, summary)
     on conflict do nothing`,
    [
      window,
      tx.projectId,
      edges ?? null,
      fields.map(({ side }) => side),
      fields.map(({ name }) => name),
      fields.map(({ family }) => family),
      fields.map(({ masked }) => masked),
      fields.map(({ summary }) => JSON.stringify(summaryToJson(summary))),
    ],
    'insert_window_columns',
  );
}

/** Raises and resolves alerts by the outcomes, and resolves alerts of removed checks. Returns the new streaks. */
export async function followStreaks(
  tx: Transaction,
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  outcomes: readonly CheckOutcome[],
  cause: AlertCause,
  /** Restricts the checks that are updated; checks of labels wait for their labels. */
  only: (outcome: CheckOutcome) => boolean = () => true,
): Promise<MonitorRow['streaks']> {
  const { spec, streaks } = monitor;
  const open = await openAlerts(tx.sql, monitor.uid);
  const next: Record<string, { failing: number; passing: number }> = {};
  for (const [name, streak] of Object.entries(streaks)) {
    if (spec.checks.some((check) => nameOfCheck(check) === name)) next[name] = streak;
  }
  for (const outcome of outcomes.filter(({ name }) => name !== 'data')) {
    if (!only(outcome)) continue;
    const alert = open.find(({ check }) => check === outcome.name);
    const { streak, step } = nextStreak(streaks[outcome.name] ?? { failing: 0, passing: 0 }, outcome.status, {
      open: alert !== undefined,
      raiseAfter: spec.raiseAfter,
      resolveAfter: spec.resolveAfter,
    });
    next[outcome.name] = streak;
    if (step === 'raise') {
      const raised = await raiseAlert(tx, dependencies, monitor, outcome, cause);
      const decision = await decide(tx, dependencies, monitor, raised);
      await sendAlert(tx, dependencies, monitor, raised, { baseline: cause.baseline, decision: decision?.reason });
    }
    if (alert === undefined) continue;
    if (step === 'stay') await continueAlert(tx, alert, outcome, cause.number);
    if (step === 'resolve') {
      const reason = `${outcome.name} passed in ${streak.passing === 1 ? `window ${cause.number}` : `${streak.passing} windows in a row, up to window ${cause.number}`}.`;
      await resolveAlert(tx, dependencies, monitor, alert, { number: cause.number, reason });
    } else if (!alert.notified) await sendAlert(tx, dependencies, monitor, alert, { baseline: cause.baseline });
  }
  for (const alert of open) {
    if (spec.checks.some((check) => nameOfCheck(check) === alert.check)) continue;
    await resolveAlert(tx, dependencies, monitor, alert, {
      number: cause.number,
      reason: `The monitor no longer has the check ${alert.check}.`,
    });
  }
  return next;
}

async function advance(
  tx: Transaction,
  monitor: MonitorRow,
  evaluated: EvaluatedWindow,
  state: {
    readonly number: number;
    readonly status: string;
    readonly reason: string | undefined;
    readonly streaks: MonitorRow['streaks'];
  },
): Promise<void> {
  const by = knownInputsKey(evaluated);
  const others = Object.entries(monitor.known_inputs)
    .filter(([version]) => version !== by)
    .slice(-MAX_KNOWN);
  const known = Object.fromEntries([...others, ...(by === undefined ? [] : [[by, evaluated.known] as const])]);
  const { range, dataset } = evaluated.window;
  await tx.sql.query(
    `update monitoring.monitor set number = $2, cursor_at = $3, cursor_id = coalesce($4, cursor_id),
       cursor_version = coalesce($5, cursor_version), known_inputs = $6, streaks = $7, state = $8, reason = $9,
       baseline = coalesce($10, baseline), error = null where uid = $1`,
    [
      monitor.uid,
      state.number,
      dataset === undefined ? nextCursor(monitor, range) : range.from,
      range.last ?? null,
      dataset?.number ?? null,
      JSON.stringify(known),
      JSON.stringify(state.streaks),
      state.status,
      state.reason ?? null,
      baselineText(evaluated),
    ],
    'advance_monitor',
  );
}

/** Returns the next cursor. With windows by count, other predictions of the same millisecond can follow the last id. */
function nextCursor({ spec }: MonitorRow, { until }: EvaluatedWindow['window']['range']): number {
  return spec.windows.type === 'count' ? until - 1 : until;
}

function baselineText({ baseline }: EvaluatedWindow): string | null {
  if (baseline === undefined) return null;
  const { name, rows, reason } = baseline.about;
  return `${name}${rows === undefined ? '' : `, ${countNoun(rows, 'row')}`}${reason === undefined ? '' : `: ${reason}`}`;
}

async function forgetOld(tx: Transaction, monitor: MonitorRow, number: number): Promise<void> {
  const before = number - monitor.spec.keepWindows;
  await tx.sql.query(
    'delete from monitoring.window where monitor = $1 and number <= $2',
    [monitor.uid, before],
    'forget_windows',
  );
  await tx.sql.query(
    `delete from monitoring.alert where monitor = $1 and state = 'resolved' and last_window <= $2`,
    [monitor.uid, before],
    'forget_alerts',
  );
  await tx.sql.query(
    `delete from monitoring.decision d where monitor = $1
       and not exists (select 1 from monitoring.alert a where a.id = d.alert)`,
    [monitor.uid],
    'forget_decisions',
  );
  // Delete baselines that no stored window uses, except recent ones.
  await tx.sql.query(
    `delete from monitoring.baseline b where monitor = $1 and key <> 'first' and created_at < (
       select min(evaluated_at) from monitoring.window w where w.monitor = $1)
       and not exists (select 1 from monitoring.window w where w.monitor = $1 and w.baseline = b.id)
       and key not like 'outputs:%'`,
    [monitor.uid],
    'forget_baselines',
  );
}

interface StreakStep {
  readonly streak: Streak;
  readonly step: 'raise' | 'stay' | 'resolve' | 'none';
}

function nextStreak(
  { failing, passing }: Streak,
  status: CheckStatus,
  {
    open,
    raiseAfter,
    resolveAfter,
  }: { readonly open: boolean; readonly raiseAfter: number; readonly resolveAfter: number },
): StreakStep {
  const streak =
    status === 'failing'
      ? { failing: failing + 1, passing: 0 }
      : status === 'passing'
        ? { failing: 0, passing: passing + 1 }
        : { failing, passing };
  if (open) {
    if (status === 'passing' && streak.passing >= resolveAfter) return { streak, step: 'resolve' };
    return { streak, step: status === 'failing' ? 'stay' : 'none' };
  }
  return { streak, step: status === 'failing' && streak.failing >= raiseAfter ? 'raise' : 'none' };
}
