/** Compacts tails into chunks: long tails, and all tails of ended runs. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { insertChunks, type NewChunk } from './chunk-rows.ts';
import { CHUNK } from './chunk.ts';
import { slicePoints, sortPoints, type Points } from './points.ts';
import { TAIL_BYTES, tailPoints } from './tail.ts';

const COMPACTION_QUEUE = 'metric compaction';

/** Compactions of a run that become due within this time are one job. */
const TOGETHER_MS = 1000;
/** Smallest chunk of an ended run. Fewer points are as small as rows. */
const CHUNK_FROM_ENDED = 64;

interface TailGrowth {
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

/** Series per transaction. Concurrent writers wait about 20 ms. */
const SERIES_AT_ONCE = 8;
const RUNS_OF_A_SWEEP = 1000;

const ENDED = "select 1 from tracking.run r where r.num = m.run and r.status in ('FINISHED', 'FAILED', 'KILLED')";
/** $1 and $2: points that make a chunk in an active run, and in an ended run. */
const DUE = `(m.tail_n >= $1 or m.tail_n >= $2 and exists (${ENDED}))`;

export function compactionHandler(): JobHandler {
  return {
    queue: COMPACTION_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    async run({ payload }, io) {
      const run = BigInt(String(payload['run']));
      let points = 0;
      for (;;) {
        io.signal.throwIfAborted();
        const compacted = await io.write(async (tx) => await compactSome(tx, run));
        if (compacted === 0) return { points };
        points += compacted;
      }
    },
  };
}

/** Compacts tails without a job: a run may end, or a tail may grow, just while its job ends. */
export function compactionSweepHandler(): JobHandler {
  return {
    queue: 'metric compaction sweep',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 60_000, capMs: 3_600_000 },
    every: { firstMs: 600_000, againMs: 3_600_000 },
    async run(_job, io) {
      return await io.write(async (tx) => {
        await tx.enter('all');
        const runs = await tx.sql.query<{ run: bigint; project_id: string }>(
          `select distinct m.run, m.project_id from tracking.metric m where ${DUE} limit $3`,
          [CHUNK, CHUNK_FROM_ENDED, RUNS_OF_A_SWEEP],
        );
        for (const { run, project_id: projectId } of runs) enqueueCompaction(tx, { num: run, projectId });
        return { runs: runs.length };
      });
    },
  };
}

/**
 * Moves points in one transaction, so that readers see each point exactly once, in the tail or in a chunk. Rows of series
 * are locked in the same order as by writers. Returns the number of moved points.
 */
async function compactSome({ sql, projectId }: Transaction, run: bigint): Promise<number> {
  const due = await sql.query<{ series: bigint }>(
    `select m.series from tracking.metric m where m.run = $3 and ${DUE} order by m.key limit $4 for update of m`,
    [CHUNK, CHUNK_FROM_ENDED, run, SERIES_AT_ONCE],
    'metric_due',
  );
  if (due.length === 0) return 0;
  const series = due.map((row) => row.series);
  const tails = await sql.query<{ series: bigint; points: Buffer }>(
    `select series, ${TAIL_BYTES} as points from tracking.metric_tail where series = any($1) group by series`,
    [series],
    'metric_tails',
  );
  const chunks = tails.flatMap((tail) => evenChunks(tail.series, sortPoints(tailPoints(tail.points), 'time')));
  await insertChunks(sql, projectId, chunks);
  await sql.query('delete from tracking.metric_tail where series = any($1)', [series], 'metric_tails_gone');
  await sql.query(
    'update tracking.metric set tail_n = 0 where run = $2 and series = any($1)',
    [series, run],
    'metric_compacted',
  );
  return chunks.reduce((n, { points }) => n + points.steps.length, 0);
}

/** Splits into the fewest chunks of equal size: a small rest would cost as much as a full chunk. */
function evenChunks(series: bigint, points: Points): NewChunk[] {
  const n = points.steps.length;
  const count = Math.ceil(n / CHUNK);
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [Math.round((index * n) / count), Math.round(((index + 1) * n) / count)];
    return { series, points: slicePoints(points, from, to) };
  });
}
