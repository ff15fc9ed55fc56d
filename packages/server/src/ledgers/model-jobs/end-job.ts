import { eventTypes } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { JobRow } from './job-rows.ts';

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
