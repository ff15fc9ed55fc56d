/** Creates the record of a job and its kernel job, in one transaction with the event. */
import { eventTypes, type Actor } from '@dais/api';
import type { ModelJobKind } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import type { FoundVersion } from './find-model.ts';
import { insertJob, type JobRow } from './job-rows.ts';

export const MODEL_JOB_QUEUE = 'model-job';
/** Attempts that a job may lose to crashes: each resumes where the previous one ended. */
const MOST_ATTEMPTS = 25;

export interface JobRequest {
  readonly id: string;
  readonly kind: ModelJobKind;
  readonly of: FoundVersion;
  readonly request: object;
  readonly by: Actor;
  readonly now: number;
  /** For the event: the input and the output. */
  readonly data: string;
  readonly output: string;
}

export async function createModelJob(tx: Transaction, job: JobRequest): Promise<void> {
  const { id, kind, of, request, by, now, data, output } = job;
  const { row, uid, version } = of;
  await insertJob(tx, { id, kind, model: uid, modelName: row.name, version, files: row.id, request, by, now });
  // The kernel job has the id of the record, so that each leads to the other.
  tx.enqueue({
    id,
    queue: MODEL_JOB_QUEUE,
    projectId: tx.projectId,
    payload: { job: id, kind, model: row.label },
    uniqueKey: id,
    maxAttempts: MOST_ATTEMPTS,
  });
  const subject = { kind: 'Model', name: row.name, uid };
  tx.emit({
    type: eventTypes.modelJobStarted,
    projectId: tx.projectId,
    subject,
    data: { job: id, kind, version, data, output },
  });
}

const outputs: Readonly<Partial<Record<JobRow['kind'], (row: JobRow, number: number) => string>>> = {
  'batch-prediction': ({ request }, number) => `${request.out}@${number}`,
  conversion: ({ result }, number) => `${String(result?.['model'])}/${number}`,
};

/** Emits the event of an ended job. */
export function emitEnded(tx: Transaction, row: JobRow): void {
  const { id, kind, state, model, model_name: name, version, result, error } = row;
  const number = result?.['version'];
  const output = typeof number === 'number' ? outputs[kind]?.(row, number) : undefined;
  const data = { job: id, kind, version, state, output: output ?? '', reason: (error ?? '').slice(0, 2000) };
  tx.emit({
    type: eventTypes.modelJobEnded,
    projectId: row.project_id,
    subject: { kind: 'Model', name, uid: model },
    data,
  });
}
