/** Runs model jobs one at a time, because each has a model in memory. The kernel job has the lease and its epoch. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { wasKilled } from '#engines/inference/contract.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { RowRefused } from './batch/predict-rows.ts';
import { runBatch } from './batch/batch-run.ts';
import { MODEL_JOB_QUEUE, emitEnded } from './job-lifecycle.ts';
import { runConversion } from './convert/conversion-run.ts';
import { runImportance } from './importance/importance-run.ts';
import { contentOfJob, dropContent } from './job-content.ts';
import { startAttempt, endJobRow } from './job-rows.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

/** Most attempts, for a model whose process dies each time. */
const MOST_CRASHES = 3;

export function modelJobHandler(dependencies: ModelJobsDependencies): JobHandler {
  const { clock } = dependencies;
  return {
    queue: MODEL_JOB_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async (job, io) => {
      const id = String(job.payload['job']);
      const folder = join(dependencies.folder, id);
      // A previous attempt may have died in it.
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o755 });
      try {
        await work(dependencies, job, { id, folder }, io);
      } catch (error) {
        throw jobEnd(error, job.attempt, io.signal);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    ended: async (tx, job, end) => {
      if (end.state === 'succeeded') return;
      await tx.enter(job.projectId);
      const id = String(job.payload['job']);
      const state = end.state === 'canceled' ? 'canceled' : 'failed';
      const error = state === 'failed' ? end.error : undefined;
      const row = await endJobRow(tx, id, { state, now: clock.now(), ...(error !== undefined && { error }) });
      if (row === undefined) return;
      await dropContent(tx, contentOfJob(row));
      emitEnded(tx, row);
    },
  };
}

async function work(
  dependencies: ModelJobsDependencies,
  job: JobClaim,
  { id, folder }: { readonly id: string; readonly folder: string },
  io: JobIo,
): Promise<void> {
  const now = dependencies.clock.now();
  const row = await io.write(async (tx) => await startAttempt<never>(tx, id, { attempt: job.attempt, now }));
  if (row === undefined) return;
  try {
    if (row.kind === 'conversion') await runConversion(dependencies, row, folder, io);
    else if (row.kind === 'importance') await runImportance(dependencies, row, folder, io);
    else await runBatch(dependencies, row, folder, io);
  } catch (error) {
    if (!(error instanceof RowRefused)) throw error;
    await io.write(async ({ sql }) => {
      await sql.query(
        'update model_jobs.job set errors = $2 where id = $1',
        [id, JSON.stringify([error.problem])],
        'problem_of_model_job',
      );
    });
    throw error;
  }
}

/** Errors of the model or data are permanent: no retry. A process that was killed from outside is tried again. */
export function jobEnd(error: unknown, attempt: number, signal: AbortSignal): unknown {
  if (signal.aborted) return error;
  if (error instanceof RowRefused) return new JobFailed(error.message);
  if (!(error instanceof DaisError)) return error;
  if (error.code === 'model_unavailable' || wasKilled(error)) {
    return attempt < MOST_CRASHES ? error : new JobFailed(error.message);
  }
  return error.retryable ? error : new JobFailed(error.message);
}
