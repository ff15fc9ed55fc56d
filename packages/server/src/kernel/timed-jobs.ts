import type { NewJob } from '#kernel/jobs.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';

export interface TimedQueue {
  readonly queue: string;
  /** Runs automatically: `firstMs` after the first start, then `againMs` after each end. */
  readonly every?: { readonly firstMs: number; readonly againMs: number };
}

/** The next run of each; where one waits or runs already, inserting it does nothing. */
export function timedRuns(queues: readonly TimedQueue[], which: 'firstMs' | 'againMs'): NewJob[] {
  const shape = { projectId: ORGANIZATION, payload: {}, uniqueKey: 'next', maxAttempts: 1000 };
  return queues.flatMap(({ queue, every }) => (every === undefined ? [] : { ...shape, queue, delayMs: every[which] }));
}
