/** Starts pipeline runs of any format. */
import { DaisError, startExecutionOperation, type Execution } from '@dais/api';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { presentWhole } from '../execution-rows.ts';
import type { Json } from '../machine/plan.ts';
import { requirePipeline, requireVersion } from '../pipelines/pipeline-rows.ts';
import { startRun, type StartParts } from '../pipelines/start-run.ts';
import { authorizePlan, datasetAccessOf } from '../plan-permissions.ts';

/** Limit in bytes. The metadata is read with every run, so documents must not be stored there. */
const LARGEST_ABOUT = 1024 * 1024;

export function runStart(parts: StartParts): readonly OperationEntry[] {
  return [entry(startExecutionOperation, async (tx, call) => await start(tx, call, parts))];
}

async function start(
  tx: Transaction,
  call: CallOf<typeof startExecutionOperation>,
  parts: StartParts,
): Promise<Execution> {
  const { name, description, parameters, experimentId, about, priority } = call.input;
  const bytes = about === undefined ? 0 : JSON.stringify(about).length;
  if (bytes > LARGEST_ABOUT) {
    throw new DaisError(
      'too_large',
      `The metadata of the pipeline run (\`about\`) has ${bytes} bytes, and the limit is ${LARGEST_ABOUT}.`,
    );
  }
  const id = await startRun(tx, parts, {
    ...(await sourceOf(tx, call)),
    name,
    description,
    // The schema does not describe the items of lists and objects. The dispatcher rejects values that are not JSON.
    parameters: parameters as Readonly<Record<string, Json>>,
    experimentId,
    about,
    priority,
    may: datasetAccessOf(call),
    authorize: async (plan) => await authorizePlan(call, plan, { tx, data: parts.data }),
  });
  return await presentWhole(tx.sql, tx.projectId, id);
}

async function sourceOf({ sql, projectId }: Transaction, call: CallOf<typeof startExecutionOperation>) {
  const { format, document, pipeline, version } = call.input;
  if ((pipeline === undefined) === (document === undefined)) {
    const issues = [
      {
        path: 'document',
        message: 'exactly one of document and pipeline is required',
        expected: 'document or pipeline',
      },
    ];
    throw new DaisError('invalid_request', 'Specify either a document or a pipeline to run.', { issues });
  }
  if (pipeline !== undefined) {
    await call.authorize({ kind: 'Pipeline', name: pipeline }, call.tenant, 'pipeline:run');
    const head = await requirePipeline(sql, projectId, pipeline);
    const kept = await requireVersion(sql, head, version);
    const document: unknown = JSON.parse(kept.document);
    return { format: kept.format, document, pipelineName: head.name, pipeline: head.uid, pipelineVersion: kept.id };
  }
  if (format === undefined) {
    const issues = [{ path: 'format', message: 'is required with a document', expected: 'a pipeline format' }];
    throw new DaisError('invalid_request', 'Specify the format of the document.', { issues });
  }
  return { format, document };
}
