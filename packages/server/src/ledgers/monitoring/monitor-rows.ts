/** The stored state of a Monitor: its cursor, results and streaks. */
import { DaisError } from '@dais/api';
import { monitorSpec, type MonitorSpec, type MonitorState } from '@dais/api/monitoring';
import type { Sql } from '#engines/database/contract.ts';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { endAlerts, type SendDependencies } from './alerts/alerts.ts';
import { windowStart } from './windows/window.ts';

export interface Streak {
  readonly failing: number;
  readonly passing: number;
}

export interface MonitorRow {
  readonly uid: string;
  readonly project_id: string;
  readonly name: string;
  readonly endpoint: string | null;
  readonly dataset: string | null;
  readonly suspended: boolean;
  readonly spec: MonitorSpec;
  readonly cursor_at: bigint;
  readonly cursor_id: string | null;
  readonly cursor_version: number;
  readonly number: number;
  readonly known_inputs: Readonly<Record<string, readonly string[]>>;
  readonly streaks: Readonly<Record<string, Streak>>;
  readonly last_label: string | null;
  readonly state: MonitorState;
  readonly reason: string | null;
  readonly baseline: string | null;
  readonly error: string | null;
}

const COLUMNS = `uid, project_id, name, endpoint, dataset, suspended, spec, cursor_at, cursor_id, cursor_version, number, known_inputs, streaks,
  last_label, state, reason, baseline, error`;

/** Applies a change of a Monitor in its transaction. A new spec applies from the next window. */
export async function admitMonitor(
  tx: Transaction,
  change: AdmittedChange,
  dependencies: SendDependencies,
): Promise<void> {
  if (change.dryRun) return;
  if (change.spec === undefined) {
    const monitor = await lockMonitor(tx.sql, change.uid);
    if (monitor !== undefined) await endAlerts(tx, dependencies, monitor);
    await tx.sql.query('delete from monitoring.monitor where uid = $1', [change.uid], 'drop_monitor');
    return;
  }
  const spec = monitorSpec.parse(change.spec);
  const since = spec.since === undefined ? dependencies.clock.now() : Date.parse(spec.since);
  const cursor = spec.endpoint === undefined ? since : windowStart(spec.windows, since);
  await tx.sql.query(
    `insert into monitoring.monitor as m (uid, project_id, name, endpoint, dataset, suspended, spec, cursor_at)
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8)
     on conflict (uid) do update set endpoint = excluded.endpoint, dataset = excluded.dataset,
       suspended = excluded.suspended, spec = excluded.spec, next_check_at = clock_timestamp(),
       cursor_at = case when (m.endpoint, m.dataset) is distinct from (excluded.endpoint, excluded.dataset)
         then excluded.cursor_at else m.cursor_at end,
       cursor_id = case when (m.endpoint, m.dataset) is distinct from (excluded.endpoint, excluded.dataset)
         then null else m.cursor_id end,
       last_label = null`,
    [
      change.uid,
      change.projectId,
      change.name,
      spec.endpoint ?? null,
      spec.dataset ?? null,
      spec.suspended,
      JSON.stringify(spec),
      cursor,
    ],
    'admit_monitor',
  );
}

export async function findMonitor(sql: Sql, uid: string): Promise<MonitorRow | undefined> {
  const [row] = await sql.query<MonitorRow>(
    `select ${COLUMNS} from monitoring.monitor where uid = $1`,
    [uid],
    'find_monitor',
  );
  return row;
}

/** Locks a monitor, so that no other transaction evaluates its windows. */
export async function lockMonitor(sql: Sql, uid: string): Promise<MonitorRow | undefined> {
  const [row] = await sql.query<MonitorRow>(
    `select ${COLUMNS} from monitoring.monitor where uid = $1 for update`,
    [uid],
    'lock_monitor',
  );
  return row;
}

export async function requireMonitor({ sql, projectId }: Transaction, name: string): Promise<MonitorRow> {
  const [row] = await sql.query<MonitorRow>(
    `select ${COLUMNS} from monitoring.monitor where project_id = $1 and name = $2`,
    [projectId, name],
    'monitor_by_name',
  );
  if (row === undefined) throw new DaisError('not_found', `There is no monitor ${name}.`);
  return row;
}

export async function dueMonitors(sql: Sql, limit: number): Promise<readonly { uid: string; project_id: string }[]> {
  return await sql.query<{ uid: string; project_id: string }>(
    `select uid, project_id from monitoring.monitor where not suspended and next_check_at <= clock_timestamp()
     order by next_check_at limit $1`,
    [limit],
    'due_monitors',
  );
}

/** Sets the next evaluation in `inMs`. `problem`: why the last one failed. */
export async function scheduleEvaluation(
  sql: Sql,
  uid: string,
  inMs: number,
  problem: string | undefined,
): Promise<void> {
  await sql.query(
    `update monitoring.monitor set next_check_at = clock_timestamp() + $2::float8 * interval '1 millisecond', error = $3
     where uid = $1`,
    [uid, inMs, problem?.slice(0, 2000) ?? null],
    'schedule_evaluation',
  );
}

/** Deletes all data of a deleted project. */
export async function forgetMonitoring(tx: Transaction, projectId: string): Promise<void> {
  await tx.sql.query('delete from monitoring.monitor where project_id = $1', [projectId], 'forget_monitoring');
}
