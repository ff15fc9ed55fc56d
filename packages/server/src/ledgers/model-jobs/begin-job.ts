/** Creates the record of a job and its kernel job, in one transaction with the event. */
import { eventTypes, type Actor } from '@dais/api';
import type { ModelJobKind } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import type { FoundVersion } from './find-model.ts';
import { insertJob } from './job-rows.ts';

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
