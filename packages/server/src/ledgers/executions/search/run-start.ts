/** Runs of pipelines in any language. */
import { DaisError, startExecutionOperation, type Execution } from '@dais/api';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { presentWhole } from '../execution-rows.ts';
import type { Json } from '../machine/plan.ts';
import { requirePipeline, requireVersion } from '../pipelines/pipeline-rows.ts';
import { startRun, type StartParts } from '../pipelines/start-run.ts';
import { authorizePlan, mayOfCall } from '../uses.ts';

/** Kept with every run, and read with it: not where documents lie. */
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
    throw new DaisError('too_large', `What is kept with the run has ${bytes} bytes; at most ${LARGEST_ABOUT} are.`);
  }
  const id = await startRun(tx, parts, {
    ...(await sourceOf(tx, call)),
    name,
    description,
    // The schema does not describe what lists and objects hold; the dispatcher refuses what is not JSON.
    parameters: parameters as Readonly<Record<string, Json>>,
    experimentId,
    about,
    priority,
    may: mayOfCall(call),
    authorize: async (plan) => await authorizePlan(call, plan, { tx, data: parts.data }),
  });
  return await presentWhole(tx.sql, tx.projectId, id);
}

async function sourceOf({ sql, projectId }: Transaction, call: CallOf<typeof startExecutionOperation>) {
  const { format, document, pipeline, version } = call.input;
  if ((pipeline === undefined) === (document === undefined)) {
    const issues = [{ path: 'document', message: 'is needed, or else pipeline', expected: 'one of both' }];
    throw new DaisError('invalid_request', 'Say what to run: a document, or a pipeline that has one.', { issues });
  }
  if (pipeline !== undefined) {
    await call.authorize({ kind: 'Pipeline', name: pipeline }, call.tenant, 'pipeline:run');
    const head = await requirePipeline(sql, projectId, pipeline);
    const kept = await requireVersion(sql, head, version);
    const document: unknown = JSON.parse(kept.document);
    return { format: kept.format, document, pipelineName: head.name, pipeline: head.uid, pipelineVersion: kept.id };
  }
  if (format === undefined) {
    const issues = [{ path: 'format', message: 'is needed beside a document', expected: 'the word of its language' }];
    throw new DaisError('invalid_request', 'Say in which language the document is.', { issues });
  }
  return { format, document };
}
