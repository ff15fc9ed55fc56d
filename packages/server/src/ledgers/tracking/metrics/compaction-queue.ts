import type { Transaction } from '#kernel/transaction.ts';
import { CHUNK } from './chunk.ts';

export const COMPACTION_QUEUE = 'metric compaction';

/** Compactions of a run that become due within this time are one job. */
const TOGETHER_MS = 1000;
/** Smallest chunk of an ended run. Fewer points are as small as rows. */
export const CHUNK_FROM_ENDED = 64;

export interface TailGrowth {
  /** Points in the tail. */
  readonly tail: number;
  readonly added: number;
}

/** Returns true once for each chunk that the tail can fill. */
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

/** Compacts the points of an ended run if that makes them smaller. */
export async function compactEndedRun(tx: Transaction, run: DueRun): Promise<void> {
  const rows = await tx.sql.query(
    'select 1 from tracking.metric where run = $1 and tail_n >= $2 limit 1',
    [run.num, CHUNK_FROM_ENDED],
    'metric_ended',
  );
  if (rows.length > 0) enqueueCompaction(tx, run);
}
