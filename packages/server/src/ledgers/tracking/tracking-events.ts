/** Emits the events of the tracking ledger for audit, watchers and webhooks. */
import { createHash } from 'node:crypto';
import { eventTypes } from '@dais/api';
import type { RunStatus } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';

type Data = Readonly<Record<string, unknown>>;

/**
 * Returns the UUID of an event subject. Ids of runs need not be UUIDs, so it is derived from project, kind and id, and is the
 * same in all events of the subject.
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

/** Returns a run as the subject of events. */
export function runSubject(projectId: string, id: string) {
  return { kind: 'Run', name: id, uid: uidOf(projectId, 'Run', id) } as const;
}

function emitEvent(tx: Transaction, type: TrackingEvent, kind: string, id: string, data: Data): void {
  const { projectId } = tx;
  const subject = { kind, name: id, uid: uidOf(projectId, kind, id) };
  tx.emit({ type: eventTypes[type], projectId, subject, data, wakes: false });
}

export function emitExperimentEvent(
  tx: Transaction,
  type: 'experimentCreated' | 'experimentRenamed' | 'experimentDeleted' | 'experimentRestored',
  experiment: string,
  more: Data = {},
): void {
  emitEvent(tx, type, 'Experiment', experiment, { experiment, ...more });
}

export function emitRunEvent(
  tx: Transaction,
  type: 'runCreated' | 'runDeleted' | 'runRestored',
  run: string,
  experiment: string,
): void {
  emitEvent(tx, type, 'Run', run, { run, experiment });
}

/** Emits only the end of a run, since clients can set RUNNING repeatedly. */
export function emitStatusEvent(tx: Transaction, run: string, experiment: string, status: RunStatus): void {
  if (status === 'FINISHED') emitEvent(tx, 'runFinished', 'Run', run, { run, experiment });
  if (status === 'FAILED' || status === 'KILLED') emitEvent(tx, 'runFailed', 'Run', run, { run, experiment, status });
}

export function emitModelDeleted(tx: Transaction, model: string, experiment: string): void {
  emitEvent(tx, 'loggedModelDeleted', 'LoggedModel', model, { model, experiment });
}

export function emitImported(
  tx: Transaction,
  type: 'experimentImported' | 'runImported' | 'loggedModelImported',
  { id, experiment, source }: { readonly id: string; readonly experiment: string; readonly source: string },
): void {
  if (type === 'experimentImported') emitEvent(tx, type, 'Experiment', id, { experiment, source });
  else if (type === 'runImported') emitEvent(tx, type, 'Run', id, { run: id, experiment, source });
  else emitEvent(tx, type, 'LoggedModel', id, { model: id, experiment, source });
}

export function emitEvaluationDatasetEvent(
  tx: Transaction,
  type: 'evaluationDatasetCreated' | 'evaluationDatasetDeleted',
  dataset: string,
  more: Data = {},
): void {
  emitEvent(tx, type, 'EvaluationDataset', dataset, { dataset, ...more });
}

export function emitScorerEvent(
  tx: Transaction,
  type: 'scorerRegistered' | 'scorerDeleted',
  data: Data & { readonly scorer: string; readonly experiment: string },
): void {
  emitEvent(tx, type, 'Scorer', `${data.experiment}/${data.scorer}`, data);
}

export function emitTracesDeleted(tx: Transaction, experiment: string, traces: number): void {
  emitEvent(tx, 'tracesDeleted', 'Experiment', experiment, { experiment, traces });
}
