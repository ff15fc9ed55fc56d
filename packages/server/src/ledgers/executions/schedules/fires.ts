/** What a schedule answers, each once: rows of `executions.fire`. */
import type { Fire } from '@dais/api';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Json } from '../machine/plan.ts';

/** Of one schedule; what comes beyond that is skipped. */
export const MOST_WAITING = 1000;

export interface FireRow {
  readonly cause: string;
  readonly fire_time: Date;
  readonly state: Fire['state'];
  readonly run: string | null;
  readonly error: string | null;
}

/** The same for whoever comes to a time. */
const causeOf = (time: number) => new Date(time).toISOString();

/** Gives those that were not there. */
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

const SLICE = 5000;

/** Forgets what was answered long ago. `days` 0: nothing. */
export function fireRetention(days: number): JobHandler {
  return {
    queue: 'fire-retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 300_000, againMs: 3_600_000 },
    async run(_job, io) {
      if (days === 0) return { removed: 0 };
      let removed = 0;
      for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed += rows) {
        rows = await io.write(async (tx) => {
          await tx.enter('all');
          const gone = await tx.sql.query(
            `delete from executions.fire where (schedule, cause) in (
               select schedule, cause from executions.fire
               where state <> 'waiting' and created_at < clock_timestamp() - $1 * interval '1 day'
               order by created_at limit ${SLICE}) returning 1`,
            [days],
            'old_fires',
          );
          return gone.length;
        });
      }
      return { removed };
    },
  };
}
