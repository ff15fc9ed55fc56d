/** Deletes traces permanently, with their spans, links, assessments and files. */
import { DaisError, deleteTracesOperation } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { requireExperiment } from '../experiment-lookup.ts';
import { emitTracesDeleted } from '../tracking-events.ts';
import { removeTraceFiles, type GoneTrace } from './trace-files.ts';
import type { TraceParts } from './trace-conventions.ts';

/** Traces in one transaction: each can have many rows of spans. */
const SLICE = 1000;

export function traceDeleteEntries({ options }: Pick<TraceParts, 'options'>): readonly OperationEntry[] {
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
