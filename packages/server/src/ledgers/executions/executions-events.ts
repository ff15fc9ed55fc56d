import type { EventType } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';

/** Notification channel on which writers wake the workers. It is only a hint: workers also poll. */
export const EXECUTIONS_CHANNEL = 'dais_execution';

export interface ExecutionSubject {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
}

export function emitExecutionEvent(tx: Transaction, type: EventType, run: ExecutionSubject, data: object = {}): void {
  const subject = { kind: 'Execution', name: run.name, uid: run.id };
  tx.emit({ type, projectId: run.projectId, subject, data: { ...data } });
}

/** Wakes the workers when the transaction commits. */
export function notifyWorkers({ sql }: Transaction): void {
  sql.defer(`select pg_notify('${EXECUTIONS_CHANNEL}', '')`, [], 'ring_executions');
}
