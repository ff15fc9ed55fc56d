/** What happened to the ledger's things, told to audit, watchers and webhooks. */
import { createHash } from 'node:crypto';
import { eventTypes, type RunStatus } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';

type Data = Readonly<Record<string, unknown>>;

/**
 * Events name their subject by a UUID; a run's id need not be one. Made from project, kind and id, so that it is the same
 * in every event of the subject.
 */
function uidOf(projectId: string, kind: string, id: string): string {
  const bytes = createHash('sha256').update(`${projectId}/${kind}/${id}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

type TrackingEvent =
  | 'experimentCreated'
  | 'experimentRenamed'
  | 'experimentDeleted'
  | 'experimentRestored'
  | 'runCreated'
  | 'runFinished'
  | 'runFailed'
  | 'runDeleted'
  | 'runRestored'
  | 'loggedModelDeleted'
  | 'tracesDeleted'
  | 'evaluationDatasetCreated'
  | 'evaluationDatasetDeleted'
  | 'scorerRegistered'
  | 'scorerDeleted'
  | 'experimentImported'
  | 'runImported'
  | 'loggedModelImported';

/** A run as events name it. */
export function runSubject(projectId: string, id: string) {
  return { kind: 'Run', name: id, uid: uidOf(projectId, 'Run', id) } as const;
}

function tell(tx: Transaction, type: TrackingEvent, kind: string, id: string, data: Data): void {
  const { projectId } = tx;
  const subject = { kind, name: id, uid: uidOf(projectId, kind, id) };
  tx.emit({ type: eventTypes[type], projectId, subject, data, wakes: false });
}

export function tellExperiment(
  tx: Transaction,
  type: 'experimentCreated' | 'experimentRenamed' | 'experimentDeleted' | 'experimentRestored',
  experiment: string,
  more: Data = {},
): void {
  tell(tx, type, 'Experiment', experiment, { experiment, ...more });
}

export function tellRun(
  tx: Transaction,
  type: 'runCreated' | 'runDeleted' | 'runRestored',
  run: string,
  experiment: string,
): void {
  tell(tx, type, 'Run', run, { run, experiment });
}

/** Only the end of a run is news: clients say RUNNING as often as they like. */
export function tellStatus(tx: Transaction, run: string, experiment: string, status: RunStatus): void {
  if (status === 'FINISHED') tell(tx, 'runFinished', 'Run', run, { run, experiment });
  if (status === 'FAILED' || status === 'KILLED') tell(tx, 'runFailed', 'Run', run, { run, experiment, status });
}

export function tellModelDeleted(tx: Transaction, model: string, experiment: string): void {
  tell(tx, 'loggedModelDeleted', 'LoggedModel', model, { model, experiment });
}

export function tellImported(
  tx: Transaction,
  type: 'experimentImported' | 'runImported' | 'loggedModelImported',
  { id, experiment, source }: { readonly id: string; readonly experiment: string; readonly source: string },
): void {
  if (type === 'experimentImported') tell(tx, type, 'Experiment', id, { experiment, source });
  else if (type === 'runImported') tell(tx, type, 'Run', id, { run: id, experiment, source });
  else tell(tx, type, 'LoggedModel', id, { model: id, experiment, source });
}

export function tellEvaluationDataset(
  tx: Transaction,
  type: 'evaluationDatasetCreated' | 'evaluationDatasetDeleted',
  dataset: string,
  more: Data = {},
): void {
  tell(tx, type, 'EvaluationDataset', dataset, { dataset, ...more });
}

export function tellScorer(
  tx: Transaction,
  type: 'scorerRegistered' | 'scorerDeleted',
  data: Data & { readonly scorer: string; readonly experiment: string },
): void {
  tell(tx, type, 'Scorer', `${data.experiment}/${data.scorer}`, data);
}

export function tellTracesDeleted(tx: Transaction, experiment: string, traces: number): void {
  tell(tx, 'tracesDeleted', 'Experiment', experiment, { experiment, traces });
}
