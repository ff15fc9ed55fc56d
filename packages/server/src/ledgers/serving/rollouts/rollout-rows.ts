/** Rollouts as records: steps, results and end. */
import { DaisError, eventTypes } from '@dais/api';
import type { Rollout, RolloutAnalysis, RolloutFigures, RolloutState, RolloutStep } from '@dais/api/serving';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { addCounters, packCounters, unpackCounters, type Counters, type PackedCounters } from '../fleet/counters.ts';
import type { RolloutEvidence, RolloutInterval } from './rollout-evidence.ts';

export interface RolloutRow {
  readonly id: string;
  readonly endpoint: string;
  readonly endpoint_name: string;
  readonly state: RolloutState;
  readonly from_model: string | null;
  readonly from_label: string | null;
  readonly to_model: string;
  readonly to_label: string;
  readonly cause: Rollout['cause'];
  readonly weights: readonly number[];
  readonly step: number;
  readonly automatic: boolean;
  readonly reason: string;
  readonly evidence: RolloutEvidence | null;
  readonly analysis: RolloutAnalysis | null;
  readonly open_interval: OpenInterval | null;
  readonly started_by: string;
  readonly started_at: Date;
  readonly ended_by: string | null;
  readonly ended_at: Date | null;
}

/** The interval in progress. */
export interface OpenInterval {
  /** Its start in ms. */
  readonly at: number;
  /** The minute from which the counters count, by the clock of the database. */
  readonly from: number;
  /** Counters of both versions at the start. */
  readonly stable: Counters;
  readonly canary: Counters;
}

export interface StepRow {
  readonly rollout: string;
  readonly number: number;
  readonly weight: number;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  /** Sums over the intervals that ended during the step. */
  readonly counts: { readonly stable: PackedCounters; readonly canary: PackedCounters } | null;
  readonly stable: RolloutFigures | null;
  readonly canary: RolloutFigures | null;
  readonly status: RolloutStep['status'];
  readonly message: string;
}

export const ROLLOUT_COLUMNS = `id, endpoint, endpoint_name, state, from_model, from_label, to_model, to_label, cause, weights, step,
  automatic, reason, evidence, analysis, open_interval, started_by, started_at, ended_by, ended_at`;

/** Traffic percentage of the new version in a step; 0 before the first step, and while it only receives copies. */
export function weightOf({ weights, step }: Pick<RolloutRow, 'weights' | 'step'>): number {
  return step === 0 ? 0 : (weights[step - 1] ?? 0);
}

export function presentRollout(row: RolloutRow, steps: readonly StepRow[]): Rollout {
  return {
    id: row.id,
    endpoint: row.endpoint_name,
    state: row.state,
    ...(row.from_label !== null && { from: row.from_label }),
    to: row.to_label,
    cause: row.cause,
    weights: [...row.weights],
    weight: row.state === 'promoted' ? 100 : row.ended_at === null ? weightOf(row) : 0,
    automatic: row.automatic,
    reason: row.reason,
    startedBy: row.started_by,
    startedAt: row.started_at.toISOString(),
    ...(row.ended_by !== null && { endedBy: row.ended_by }),
    ...(row.ended_at !== null && { endedAt: row.ended_at.toISOString() }),
    ...(row.analysis !== null && { analysis: row.analysis }),
    steps: steps
      .filter(({ rollout }) => rollout === row.id)
      .map((step) => ({
        number: step.number,
        weight: step.weight,
        startedAt: step.started_at.toISOString(),
        ...(step.ended_at !== null && { endedAt: step.ended_at.toISOString() }),
        ...(step.stable !== null && { stable: step.stable }),
        ...(step.canary !== null && { canary: step.canary }),
        status: step.status,
        message: step.message,
      })),
  };
}

/** Returns the rollout in progress. */
export async function runningRollout({ sql }: Transaction, endpoint: string): Promise<RolloutRow | undefined> {
  const [row] = await sql.query<RolloutRow>(
    `select ${ROLLOUT_COLUMNS} from serving.rollout where endpoint = $1 and ended_at is null`,
    [endpoint],
    'running_rollout',
  );
  return row;
}

/** Rollouts of every project; the caller's transaction sees all. */
export async function allRunning({ sql }: Transaction): Promise<readonly RolloutRow[]> {
  return await sql.query<RolloutRow>(
    `select ${ROLLOUT_COLUMNS} from serving.rollout where ended_at is null`,
    [],
    'all_running_rollouts',
  );
}

export async function stepsOf({ sql }: Transaction, rollouts: readonly string[]): Promise<readonly StepRow[]> {
  return await sql.query<StepRow>(
    `select rollout, number, weight, started_at, ended_at, counts, stable, canary, status, message
     from serving.rollout_step where rollout = any($1) order by rollout, number`,
    [rollouts],
    'rollout_steps',
  );
}

export interface ListRollouts {
  readonly endpoint: string;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export async function listRollouts(tx: Transaction, { endpoint, limit, cursor }: ListRollouts) {
  const filter = ['rollouts', endpoint];
  const last = decodePageCursor(filter, cursor);
  if (last !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(last)) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  }
  const rows = await tx.sql.query<RolloutRow>(
    `select ${ROLLOUT_COLUMNS} from serving.rollout
     where project_id = $1 and endpoint_name = $2 and ($3::uuid is null or id < $3) order by id desc limit $4`,
    [tx.projectId, endpoint, last ?? null, limit + 1],
    'list_rollouts',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ id }) => id);
  const steps = await stepsOf(
    tx,
    page.map(({ id }) => id),
  );
  return { items: page.map((row) => presentRollout(row, steps)), ...next };
}

export interface NewRollout {
  readonly id: string;
  readonly endpoint: { readonly uid: string; readonly name: string };
  readonly from: { readonly id: string; readonly label: string } | undefined;
  readonly to: { readonly id: string; readonly label: string };
  readonly cause: Rollout['cause'];
  readonly weights: readonly number[];
  readonly automatic: boolean;
  readonly by: string;
  readonly reason: string;
}

/** A rollout in progress is superseded. */
export async function startRollout(tx: Transaction, input: NewRollout): Promise<void> {
  const { id, endpoint, from, to, cause, weights, automatic, by, reason } = input;
  await tx.sql.query(
    `update serving.rollout set state = 'superseded', ended_at = clock_timestamp(), ended_by = $2, reason = $3
     where endpoint = $1 and ended_at is null`,
    [endpoint.uid, by, `Superseded by ${to.label}.`],
    'supersede_rollout',
  );
  await tx.sql.query(
    `insert into serving.rollout (id, project_id, endpoint, endpoint_name, state, from_model, from_label, to_model,
       to_label, cause, weights, automatic, started_by, reason)
     values ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      id,
      tx.projectId,
      endpoint.uid,
      endpoint.name,
      from?.id ?? null,
      from?.label ?? null,
      to.id,
      to.label,
      cause,
      JSON.stringify(weights),
      automatic,
      by,
      reason,
    ],
    'start_rollout',
  );
  await tx.sql.query(
    'insert into serving.rollout_step (rollout, number, project_id, weight) values ($1, 0, $2, 0)',
    [id, tx.projectId],
    'first_rollout_step',
  );
  tx.emit({
    type: eventTypes.rolloutStarted,
    projectId: tx.projectId,
    subject: { kind: 'Endpoint', ...endpoint },
    data: { id, ...(from !== undefined && { from: from.label }), to: to.label, cause },
  });
}

export interface StepResult {
  readonly status: RolloutStep['status'];
  readonly message: string;
  readonly stable?: RolloutFigures | undefined;
  readonly canary?: RolloutFigures | undefined;
}

async function endStep(tx: Transaction, { id, step }: RolloutRow, result: StepResult): Promise<void> {
  await tx.sql.query(
    `update serving.rollout_step set ended_at = clock_timestamp(), status = $3, message = $4, stable = $5, canary = $6
     where rollout = $1 and number = $2 and ended_at is null`,
    [
      id,
      step,
      result.status,
      result.message,
      result.stable === undefined ? null : JSON.stringify(result.stable),
      result.canary === undefined ? null : JSON.stringify(result.canary),
    ],
    'end_rollout_step',
  );
}

/** Starts the next step. `interval`: its first one. */
export async function advance(
  tx: Transaction,
  row: RolloutRow,
  result: StepResult,
  interval: OpenInterval,
): Promise<void> {
  await endStep(tx, row, result);
  const next = { ...row, step: row.step + 1 };
  const weight = weightOf(next);
  await tx.sql.query(
    'update serving.rollout set step = $2, reason = $3, open_interval = $4 where id = $1',
    [row.id, next.step, result.message, JSON.stringify(interval)],
    'advance_rollout',
  );
  await tx.sql.query(
    `insert into serving.rollout_step (rollout, number, project_id, weight) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [row.id, next.step, tx.projectId, weight],
    'next_rollout_step',
  );
  tx.emit({
    type: eventTypes.rolloutStepped,
    projectId: tx.projectId,
    subject: { kind: 'Endpoint', name: row.endpoint_name, uid: row.endpoint },
    data: { id: row.id, to: row.to_label, weight },
  });
}

/** An interval that ended, and the evidence that includes it. */
export interface RecordedInterval extends RolloutInterval {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly evidence: RolloutEvidence;
  readonly analysis: RolloutAnalysis;
  /** The start of the next interval. */
  readonly next: OpenInterval;
}

/** Starts an interval where none is in progress. */
export async function openInterval({ sql }: Transaction, row: RolloutRow, start: OpenInterval): Promise<void> {
  await sql.query(
    'update serving.rollout set open_interval = $2 where id = $1 and open_interval is null',
    [row.id, JSON.stringify(start)],
    'open_rollout_interval',
  );
}

/** Stored intervals of a rollout: a week at one a minute. The evidence in the row of the rollout includes all of them. */
const MOST_INTERVALS = 10_000;

/** Stores an interval with its evidence, unless it is stored already. */
export async function recordInterval(tx: Transaction, row: RolloutRow, interval: RecordedInterval): Promise<void> {
  const { weight, startedMs, endedMs, stable, canary, evidence, analysis, next } = interval;
  const stored = await tx.sql.query<{ number: number }>(
    `insert into serving.rollout_interval (rollout, number, project_id, step, weight, started_at, ended_at, stable, canary)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning number`,
    [
      row.id,
      evidence.intervals,
      tx.projectId,
      row.step,
      weight,
      new Date(startedMs).toISOString(),
      new Date(endedMs).toISOString(),
      JSON.stringify(packCounters(stable)),
      JSON.stringify(packCounters(canary)),
    ],
    'record_rollout_interval',
  );
  if (stored.length === 0) return;
  await tx.sql.query(
    'delete from serving.rollout_interval where rollout = $1 and number <= $2',
    [row.id, evidence.intervals - MOST_INTERVALS],
    'drop_rollout_intervals',
  );
  await tx.sql.query(
    'update serving.rollout set evidence = $2, analysis = $3, open_interval = $4 where id = $1',
    [row.id, JSON.stringify(evidence), JSON.stringify(analysis), JSON.stringify(next)],
    'update_rollout_evidence',
  );
  await addToStep(tx, row, { stable, canary });
}

async function addToStep(
  { sql }: Transaction,
  { id, step }: RolloutRow,
  more: { readonly stable: Counters; readonly canary: Counters },
): Promise<void> {
  const [stored] = await sql.query<Pick<StepRow, 'counts'>>(
    'select counts from serving.rollout_step where rollout = $1 and number = $2',
    [id, step],
    'read_step_counts',
  );
  const before = stored?.counts ?? undefined;
  const sum = (variant: 'stable' | 'canary') =>
    packCounters(before === undefined ? more[variant] : addCounters(unpackCounters(before[variant]), more[variant]));
  await sql.query(
    'update serving.rollout_step set counts = $3 where rollout = $1 and number = $2',
    [id, step, JSON.stringify({ stable: sum('stable'), canary: sum('canary') })],
    'update_step_counts',
  );
}

/** Pauses or resumes it. */
export async function setPaused(tx: Transaction, row: RolloutRow, paused: boolean, reason: string): Promise<void> {
  await tx.sql.query(
    'update serving.rollout set state = $2, reason = $3 where id = $1',
    [row.id, paused ? 'paused' : 'running', reason],
    'pause_rollout',
  );
  tx.emit({
    type: paused ? eventTypes.rolloutPaused : eventTypes.rolloutResumed,
    projectId: tx.projectId,
    subject: { kind: 'Endpoint', name: row.endpoint_name, uid: row.endpoint },
    data: { id: row.id, to: row.to_label, weight: weightOf(row), reason },
  });
}

const ENDINGS = {
  promoted: eventTypes.rolloutPromoted,
  rolledBack: eventTypes.rolloutRolledBack,
  failed: eventTypes.rolloutFailed,
  aborted: eventTypes.rolloutAborted,
} as const;

export async function endRollout(
  tx: Transaction,
  row: RolloutRow,
  ending: { readonly state: keyof typeof ENDINGS; readonly by: string; readonly reason: string },
  result: StepResult,
): Promise<void> {
  const { state, by, reason } = ending;
  await endStep(tx, row, result);
  await tx.sql.query(
    `update serving.rollout set state = $2, ended_by = $3, reason = $4, ended_at = clock_timestamp() where id = $1`,
    [row.id, state, by, reason],
    'end_rollout',
  );
  tx.emit({
    type: ENDINGS[state],
    projectId: tx.projectId,
    subject: { kind: 'Endpoint', name: row.endpoint_name, uid: row.endpoint },
    data: { id: row.id, ...(row.from_label !== null && { from: row.from_label }), to: row.to_label, reason },
  });
}
