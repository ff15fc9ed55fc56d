import type { Transaction } from '#kernel/transaction.ts';
import { CHUNK } from './chunk.ts';

export const COMPACTION_QUEUE = 'metric compaction';

/** What becomes due in a run within this time is one job. */
const TOGETHER_MS = 1000;
/** A run that has ended gets no more points: fewer than these are as small as rows. */
export const CHUNK_FROM_ENDED = 64;

export interface TailGrowth {
  /** Points in the tail now. */
  readonly tail: number;
  readonly added: number;
}

/** Said once for each chunk that the tail could make. */
export function isDue({ tail, added }: TailGrowth): boolean {
  return Math.floor(tail / CHUNK) > Math.floor((tail - added) / CHUNK);
}

interface DueRun {
  readonly num: bigint;
  readonly projectId: string;
}

export function enqueueCompaction(tx: Transaction, { num, projectId }: DueRun): void {
  const run = String(num);
  tx.enqueue({
    queue: COMPACTION_QUEUE,
    projectId,
    payload: { run },
    uniqueKey: run,
    delayMs: TOGETHER_MS,
    maxAttempts: 10,
  });
}

/** When a run has ended: what it logged becomes chunks, if that makes it smaller. */
export async function compactEndedRun(tx: Transaction, run: DueRun): Promise<void> {
  const rows = await tx.sql.query(
    'select 1 from tracking.metric where run = $1 and tail_n >= $2 limit 1',
    [run.num, CHUNK_FROM_ENDED],
    'metric_ended',
  );
  if (rows.length > 0) enqueueCompaction(tx, run);
}
