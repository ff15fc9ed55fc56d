import type { JobHandler } from '#kernel/job-runner.ts';

/** Retention periods of growing data. */
export interface Retention {
  /** Events go by whole months: between this many days and a month more. */
  readonly eventDays: number;
  /** Newest revisions that are kept for an existing resource; those of a deleted one are deleted with the events. */
  readonly revisions: number;
  /** Ended jobs. */
  readonly jobDays: number;
  /** Stored responses for repeated Idempotency-Keys. */
  readonly idempotencyHours: number;
}

export const DEFAULT_RETENTION: Retention = { eventDays: 400, revisions: 100, jobDays: 14, idempotencyHours: 24 };

/** Rows per statement: short locks, and a place to stop. */
const SLICE = 5000;

/** Deletes data older than its retention and creates next month's partitions, every hour. */
export function retentionHandler(retention: Retention): JobHandler {
  return {
    queue: 'retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 60_000, againMs: 3_600_000 },
    async run(_job, io) {
      const removed: Record<string, number> = {};
      const sweep = async (what: string, sql: string, values: readonly unknown[]) => {
        removed[what] = 0;
        for (;;) {
          const rows = await io.write(async (tx) => {
            await tx.enter('all');
            return await tx.sql.query(sql, values, `sweep_${what}`);
          });
          removed[what] += rows.length;
          if (rows.length < SLICE || io.signal.aborted) break;
        }
      };
      await io.write(async (tx) => {
        await tx.enter('all');
        await tx.sql.query('select kernel.make_event_partitions(2)');
        await tx.sql.query(
          `update kernel.cursor set oldest = greatest(oldest, coalesce(
             kernel.drop_event_partitions(clock_timestamp() - $1 * interval '1 day'), 0))`,
          [retention.eventDays],
        );
      });
      await sweep(
        'events',
        `with gone as (
           delete from kernel.event_default where ctid = any(array(
             select ctid from kernel.event_default where at < clock_timestamp() - $1 * interval '1 day' and seq is not null
             order by seq limit ${SLICE})) returning seq
         ), moved as (
           update kernel.cursor set oldest = greatest(oldest, (select max(seq) from gone)) where exists (select from gone)
         ) select 1 from gone`,
        [retention.eventDays],
      );
      await sweep(
        'revisions',
        `delete from kernel.revision where (uid, generation) in (
           select r.uid, r.generation from kernel.revision r left join kernel.resource x on x.uid = r.uid
           where (x.uid is not null and r.generation <= x.generation - $1)
              or (x.uid is null and r.at < clock_timestamp() - $2 * interval '1 day')
           limit ${SLICE}) returning 1`,
        [retention.revisions, retention.eventDays],
      );
      await sweep(
        'jobs',
        `delete from kernel.job where id in (select id from kernel.job
           where finished_at < clock_timestamp() - $1 * interval '1 day' limit ${SLICE}) returning 1`,
        [retention.jobDays],
      );
      await sweep(
        'idempotency keys',
        `delete from kernel.idempotency where (project_id, principal, key) in (
           select project_id, principal, key from kernel.idempotency
           where at < clock_timestamp() - $1 * interval '1 hour' limit ${SLICE}) returning 1`,
        [retention.idempotencyHours],
      );
      return removed;
    },
  };
}
