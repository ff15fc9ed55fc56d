/** Deletes old traces with their files, by the retention of the installation. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { TrackingParts } from '../parts.ts';
import { removeTraceFiles, type GoneTrace } from './trace-files.ts';

/** Traces per transaction: each can have many rows of spans. */
const SLICE = 500;
const DAY_MS = 86_400_000;

/** Returns the job that deletes traces older than `days`. 0: nothing is deleted. */
export function traceRetention(days: number, { options, clock }: Pick<TrackingParts, 'options' | 'clock'>): JobHandler {
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
          const gone = await tx.sql.query<GoneTrace>(
            `with gone as (
               delete from tracking.trace where num in (
                 select num from tracking.trace where requested_at < $1 limit ${SLICE} for update skip locked)
               returning id, project_id, experiment
             )
             select gone.*, e.is_default, e.artifact_location from gone join tracking.experiment e on e.id = gone.experiment`,
            [before],
            'expire_traces',
          );
          await removeTraceFiles(tx, gone, options);
          return gone.length;
        });
      }
      return { removed };
    },
  };
}
