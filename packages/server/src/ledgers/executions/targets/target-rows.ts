/** Rows of compute targets: what admission needs of a Target, and its newest probe. */
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TargetReport } from '#engines/compute/model/target.ts';

export interface TargetRow {
  readonly uid: string;
  readonly name: string;
  readonly maxTasks: number;
  /** Resources of its nodes together, as the newest probe found them. */
  readonly resources: Readonly<Record<string, number>>;
}

export interface ProbeRow {
  readonly report: TargetReport;
  /** Generation of the tested manifest. */
  readonly generation: number;
  readonly at: Date;
}

/** Query of all targets, in the form of `TargetRow`. */
export const TARGETS = `select uid, name, max_tasks as "maxTasks", coalesce(report->'resources', '{}') as resources
     from executions.target order by name`;

export async function readTargets(sql: Sql): Promise<readonly TargetRow[]> {
  return await sql.query<TargetRow>(TARGETS, [], 'targets');
}

export function writeTarget(sql: Sql, { uid, name, maxTasks }: Omit<TargetRow, 'resources'>): void {
  sql.defer(
    `insert into executions.target (uid, name, max_tasks) values ($1, $2, $3)
     on conflict (uid) do update set max_tasks = excluded.max_tasks`,
    [uid, name, maxTasks],
    'target_write',
  );
}

/** Deletes the row of a target, unless it has attempts, whose number is returned. */
export async function removeTarget(tx: Transaction, uid: string, place: string): Promise<number> {
  const { sql, projectId: home } = tx;
  // Attempts of all projects.
  await tx.enter('all');
  const [row] = await sql.query<{ open: number }>(
    `select count(*)::int as open from executions.attempt where compute_node = $1 and state <> 'ended'`,
    [place],
    'target_attempts',
  );
  await tx.enter(home);
  const open = row?.open ?? 0;
  if (open === 0) sql.defer('delete from executions.target where uid = $1', [uid], 'target_remove');
  return open;
}

export async function readProbe(sql: Sql, uid: string): Promise<ProbeRow | undefined> {
  const [row] = await sql.query<{ report: TargetReport | null; generation: bigint | null; at: Date | null }>(
    'select report, probed_generation as generation, probed_at as at from executions.target where uid = $1',
    [uid],
    'target_probe',
  );
  if (row?.report == null || row.generation === null || row.at === null) return undefined;
  return { report: row.report, generation: Number(row.generation), at: row.at };
}

export function writeProbe(sql: Sql, uid: string, { report, generation, at }: ProbeRow): void {
  sql.defer(
    'update executions.target set report = $2::jsonb, probed_generation = $3, probed_at = $4 where uid = $1',
    [uid, JSON.stringify(report), generation, at],
    'target_probed',
  );
}
