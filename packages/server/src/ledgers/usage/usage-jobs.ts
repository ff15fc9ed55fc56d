/** Timed jobs: the stored bytes of each day, and retention. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';

const HOUR_MS = 3_600_000;
const SHAPE = { concurrency: 1, perProject: 1, retry: { baseMs: 1000, capMs: 60_000 } } as const;

/** Records the stored bytes of each project once a day (UTC), at the first run of the day. */
export function storedBytes(): JobHandler {
  return {
    ...SHAPE,
    queue: 'usage-storage',
    every: { firstMs: 60_000, againMs: HOUR_MS },
    run: async (_job, io) => await io.write(recordStoredBytes),
  };
}

/** Distinct content of each project. Returns the number of new records. */
export async function recordStoredBytes(tx: Transaction): Promise<{ readonly recorded: number }> {
  await tx.enter('all');
  const rows = await tx.sql.query<{ id: string }>(
    `insert into usage.record (project_id, project, team, type, source, started_at, ended_at, quantity, unit, resource)
     select t.id, t.name, r.labels->>'team', 'storage', to_char(d.day at time zone 'UTC', 'YYYY-MM-DD'), d.day,
       d.day + interval '24 hours', u.bytes, 'byte-day', 'Project/' || t.name
     from kernel.blob_usage u join kernel.tenant t on t.id = u.project_id left join kernel.resource r on r.uid = t.id
       cross join (select date_trunc('day', clock_timestamp(), 'UTC') as day) d
     where u.bytes > 0
     on conflict do nothing
     returning id`,
    [],
    'usage_stored_bytes',
  );
  return { recorded: rows.length };
}

/** Rows of one transaction. */
const SLICE = 5000;

/** Deletes records that ended more than `days` ago. */
export function usageRetention(days: number): JobHandler {
  return {
    ...SHAPE,
    queue: 'usage-retention',
    every: { firstMs: 300_000, againMs: HOUR_MS },
    async run(_job, io) {
      let removed = 0;
      for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed += rows) {
        rows = await io.write(async (tx) => {
          await tx.enter('all');
          const gone = await tx.sql.query<{ id: string }>(
            `delete from usage.record where id in (
               select id from usage.record where ended_at < clock_timestamp() - $1 * interval '24 hours'
               order by ended_at limit ${SLICE})
             returning id`,
            [days],
            'usage_retention',
          );
          return gone.length;
        });
      }
      return { removed };
    },
  };
}
