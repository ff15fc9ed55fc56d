import { eventTypes } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { JobRow } from './job-rows.ts';

/** The news of a job that has ended, for whoever waits for it. */
export function emitEnded(tx: Transaction, row: JobRow): void {
  const { id, kind, state, model, model_name: name, version, request, result, error } = row;
  const number = result?.['version'];
  const output = kind === 'batch-prediction' && typeof number === 'number' ? `${request.out}@${number}` : '';
  const data = { job: id, kind, version, state, output, reason: (error ?? '').slice(0, 2000) };
  tx.emit({
    type: eventTypes.modelJobEnded,
    projectId: row.project_id,
    subject: { kind: 'Model', name, uid: model },
    data,
  });
}
