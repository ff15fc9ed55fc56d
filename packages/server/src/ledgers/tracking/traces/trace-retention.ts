/** Traces are kept as long as the installation says, then removed. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Clock } from '#lib/clock.ts';

/** Traces in one transaction: each can have many rows of spans. */
const SLICE = 500;
const DAY_MS = 86_400_000;

/** `days` 0: for ever. */
export function traceRetention(days: number, clock: Clock): JobHandler {
  return {
    queue: 'trace-retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 180_000, againMs: 3_600_000 },
    async run(_job, io) {
      if (days === 0) return { removed: 0 };
      const before = clock.now() - days * DAY_MS;
      let removed = 0;
      for (let rows = SLICE; rows === SLICE && !io.signal.aborted; removed += rows) {
        rows = await io.write(async (tx) => {
          await tx.enter('all');
          const gone = await tx.sql.query(
            `delete from tracking.trace where num in (
               select num from tracking.trace where requested_at < $1 limit ${SLICE} for update skip locked) returning 1`,
            [before],
            'expire_traces',
          );
          return gone.length;
        });
      }
      return { removed };
    },
  };
}
