/** Fires of schedules, one for each time or event: rows of `executions.fire`. */
import type { Fire } from '@dais/api/executions';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Json } from '../machine/plan.ts';

/** Limit of waiting fires of one schedule. Further fires are skipped. */
export const MOST_WAITING = 1000;

export interface FireRow {
  readonly cause: string;
  readonly fire_time: Date;
  readonly state: Fire['state'];
  readonly run: string | null;
  readonly error: string | null;
}

/** Returns the unique cause of a time, equal in all processes. */
const causeOf = (time: number) => new Date(time).toISOString();

/** Inserts fires, and returns the times that did not exist before. */
export async function addFires(
  { sql, projectId }: Transaction,
  schedule: string,
  times: readonly number[],
  data?: Json,
): Promise<readonly number[]> {
  if (times.length === 0) return [];
  const rows = await sql.query<{ fire_time: Date }>(
    `insert into executions.fire (schedule, project_id, cause, fire_time, data)
     select $1, $2, cause, fire_time, $5::jsonb from unnest($3::text[], $4::timestamptz[]) as t (cause, fire_time)
     on conflict do nothing returning fire_time`,
    [
      schedule,
      projectId,
      times.map(causeOf),
      times.map((time) => new Date(time)),
      data === undefined ? null : JSON.stringify(data),
    ],
    'add_fires',
  );
  return rows.map(({ fire_time: time }) => time.getTime()).toSorted((one, other) => one - other);
}

export function presentFire(row: FireRow): Fire {
  return {
    cause: row.cause,
    at: row.fire_time.getTime(),
    state: row.state,
    ...(row.run !== null && { run: row.run }),
    ...(row.error !== null && { error: row.error }),
  };
}

/** Deletes at most `most` fires that are older than `days` and not waiting. Returns their number. */
export async function removeOldFires(sql: Sql, days: number, most: number): Promise<number> {
  const gone = await sql.query(
    `delete from executions.fire where (schedule, cause) in (
       select schedule, cause from executions.fire
       where state <> 'pending' and created_at < clock_timestamp() - $1 * interval '1 day'
       order by created_at limit $2) returning 1`,
    [days, most],
    'old_fires',
  );
  return gone.length;
}
