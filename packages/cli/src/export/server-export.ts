/** Exports a project to a running MLflow server, as far as its REST API supports the content. */
import { DaisError, type DaisClient } from '@dais/api';
import type { MlflowRest } from '#import/mlflow-rest.ts';
import { Tally } from '#import/tally.ts';
import { DaisSource } from './dais-source.ts';
import { sendDatasets, sendScorers } from './send-evaluation.ts';
import { sendExperiments, sleepAgain } from './send-experiments.ts';
import { sendRegistry } from './send-registry.ts';
import { RunSender, sendLoggedModels } from './send-runs.ts';
import { sendTraces } from './send-traces.ts';
import { Ids, type ServerDependencies } from './server-dependencies.ts';

export interface ServerExportDependencies {
  readonly client: DaisClient;
  readonly rest: MlflowRest;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/** Errors that would affect all objects. */
const FATAL = new Set(['unauthenticated', 'forbidden', 'server_unreachable']);

/**
 * Exports objects after everything that they refer to, because ids are new there. @throws DaisError when either server
 * cannot be reached; the tally reports single failures.
 */
export async function exportToServer({ client, rest, signal, progress }: ServerExportDependencies): Promise<Tally> {
  const tally = new Tally();
  const failed = (what: string, error: unknown): void => {
    signal.throwIfAborted();
    if (error instanceof DaisError && FATAL.has(error.code)) throw error;
    tally.problems.push({ what, why: error instanceof Error ? error.message : String(error) });
  };
  const source = new DaisSource(client, signal);
  const dependencies: ServerDependencies = { rest, source, tally, signal, progress, failed, ids: new Ids() };
  const targets = await sendExperiments(dependencies);
  const senders = targets.map((target) => new RunSender(dependencies, target));
  for (const sender of senders) await sender.begin();
  for (const target of targets) await sendLoggedModels(dependencies, target);
  for (const sender of senders) await sender.fill();
  await sendRegistry(dependencies);
  for (const target of targets) await sendTraces(dependencies, target);
  await sendDatasets(dependencies);
  await sendScorers(dependencies);
  await sleepAgain(dependencies);
  return tally;
}
