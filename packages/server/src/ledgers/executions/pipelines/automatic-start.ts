/** Starts pipeline runs for the platform itself, without a user whose permissions could be checked. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { notifyWorkers } from '../executions-events.ts';
import type { Graph, Json } from '../machine/plan.ts';
import { isUnisolated } from '../runs/plan-permissions.ts';
import { newestVersion, requirePipeline } from './pipeline-rows.ts';
import { startRun, type StartDependencies } from './start-run.ts';

export interface AutomaticStart {
  readonly pipeline: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Returns the id of the run. @throws DaisError `not_found`, `invalid_request`, `forbidden`; then nothing was written. */
export async function startAutomatically(
  tx: Transaction,
  dependencies: StartDependencies,
  { pipeline: name, parameters }: AutomaticStart,
): Promise<string> {
  const pipeline = await requirePipeline(tx.sql, tx.projectId, name);
  const version = await newestVersion(tx.sql, pipeline.uid);
  if (version === undefined)
    throw new DaisError(
      'not_found',
      `Pipeline "${name}" has no version yet. Add steps to its manifest, or upload a version.`,
    );
  const run = await startRun(tx, dependencies, {
    name,
    pipelineName: name,
    pipeline: pipeline.uid,
    pipelineVersion: version.id,
    format: version.format,
    document: JSON.parse(version.document) as unknown,
    parameters: parameters as Readonly<Record<string, Json>>,
    priority: 0,
    authorize: async (plan) => {
      await Promise.resolve();
      requireIsolation(plan, dependencies);
    },
  });
  notifyWorkers(tx);
  return run;
}

/** @throws DaisError `forbidden` */
export function requireIsolation(plan: Graph, { solo }: Pick<StartDependencies, 'solo'>): void {
  if (solo || !isUnisolated(plan)) return;
  const detail = 'Automatic runs cannot use `isolation: none`. Remove it, or start the pipeline run manually.';
  throw new DaisError('forbidden', detail);
}
