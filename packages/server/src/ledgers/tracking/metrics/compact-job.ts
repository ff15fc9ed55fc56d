/** Makes chunks of what lies in tails: of long ones, and of all when their run has ended. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { CHUNK } from './chunk.ts';
import { insertChunks, type NewChunk } from './chunk-rows.ts';
import { CHUNK_FROM_ENDED, COMPACTION_QUEUE, enqueueCompaction } from './compaction-queue.ts';
import { sortPoints, slicePoints, type Points } from './points.ts';
import { TAIL_BYTES, tailPoints } from './tail.ts';

/** Whoever logs into one of them meanwhile waits: some 20 ms. */
const SERIES_AT_ONCE = 8;
const RUNS_OF_A_SWEEP = 1000;

const ENDED = "select 1 from tracking.run r where r.num = m.run and r.status in ('FINISHED', 'FAILED', 'KILLED')";
/** $1 and $2 are how many points make a chunk of a run that goes on, and of one that has ended. */
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

/** Finds what no job was left for: a run that ended, or a tail that grew, just while its job was ending. */
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
 * One transaction: readers see the points in the tail or in a chunk, never in both and never in none. The rows of the
 * series are locked in the order in which writers lock them. Gives how many points went.
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

/** As few as possible and of one size: a small rest would be a chunk as dear as a full one. */
function evenChunks(series: bigint, points: Points): NewChunk[] {
  const n = points.steps.length;
  const count = Math.ceil(n / CHUNK);
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [Math.round((index * n) / count), Math.round(((index + 1) * n) / count)];
    return { series, points: slicePoints(points, from, to) };
  });
}
