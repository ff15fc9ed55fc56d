/** Deletes traces permanently, with their spans, links, assessments and files. */
import { DaisError } from '@dais/api';
import { deleteTracesOperation } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { requireExperiment } from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { emitTracesDeleted } from '../tracking-events.ts';
import type { TraceDependencies } from './trace-conventions.ts';
import { removeTraceFiles, type GoneTrace } from './trace-files.ts';

/** Traces in one transaction: each can have many rows of spans. */
const SLICE = 1000;

export function traceDeleteEntries({ options }: Pick<TraceDependencies, 'options'>): readonly OperationEntry[] {
  return [
    entry(deleteTracesOperation, async (tx, { input }) => {
      const { experimentId, ids, before, limit = SLICE } = input;
      if ((ids === undefined) === (before === undefined)) {
        throw new DaisError('invalid_request', 'Specify the traces by either `ids` or `before`.');
      }
      const experiment = await requireExperiment(tx, experimentId);
      const { projectId } = tx;
      // Locked in order of ids, as calls that add spans to several traces do.
      const gone = await tx.sql.query<Pick<GoneTrace, 'id'>>(
        `delete from tracking.trace where num in (
             select num from (
               select num, id from tracking.trace
               where project_id = $1 and experiment = $2 and ($3::text[] is null or id = any($3)) and ($4::bigint is null or requested_at <= $4)
               order by requested_at, id limit $5) t order by t.id)
           returning id`,
        [projectId, experiment.id, ids ?? null, before ?? null, limit],
        'delete_traces',
      );
      const { is_default, artifact_location } = experiment;
      const home = { project_id: projectId, experiment: experiment.id, is_default, artifact_location };
      await removeTraceFiles(
        tx,
        gone.map(({ id }) => ({ id, ...home })),
        options,
      );
      if (gone.length > 0) emitTracesDeleted(tx, experimentId, gone.length);
      return { deleted: gone.length };
    }),
  ];
}

/** Traces per transaction of the retention job. */
const RETENTION_SLICE = 500;
const DAY_MS = 86_400_000;

/** Returns the job that deletes traces older than `days`. 0: nothing is deleted. */
export function traceRetention(
  days: number,
  { options, clock }: Pick<TrackingDependencies, 'options' | 'clock'>,
): JobHandler {
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
      for (let rows = RETENTION_SLICE; rows === RETENTION_SLICE && !io.signal.aborted; removed += rows) {
        rows = await io.write(async (tx) => {
          await tx.enter('all');
          const gone = await tx.sql.query<GoneTrace>(
            `with gone as (
               delete from tracking.trace where num in (
                 select num from tracking.trace where requested_at < $1 limit ${RETENTION_SLICE} for update skip locked)
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
