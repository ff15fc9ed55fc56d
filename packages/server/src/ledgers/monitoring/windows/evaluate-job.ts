/** Jobs that evaluate windows when they end: each window once, in order, also after a crash. */
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import { uuidv7 } from '#lib/ids.ts';
import { commitWindow } from './commit-window.ts';
import { evaluateWindow } from './evaluate-window.ts';
import { evaluateLabels } from './evaluate-labels.ts';
import { dueMonitors, findMonitor, scheduleEvaluation, type MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { withDatasetWindow } from './dataset-window.ts';
import { withPredictionWindow } from './prediction-window.ts';
import { lengthOf, windowStart } from './window.ts';

const QUEUE = 'monitor';
const AT_ONCE = 100;
/** Windows of one monitor per job, so that other monitors are not delayed. */
const MAX_WINDOWS = 50;
/** Interval of the search for labels, versions and rows of windows by count. */
const POLL_MS = 10_000;
const RETRY_MS = 60_000;

/** Enqueues the monitors that are due. Every node with background work does this: a monitor has at most one job. */
export function monitorSchedule(dependencies: MonitoringDependencies): Pick<Loop, 'start' | 'stop'> {
  const { database } = dependencies;
  const loop = new Loop('monitors', { ...dependencies, pollMs: POLL_MS }, async () => {
    const due = await transact(database, { mode: 'read', projectId: 'all' }, ({ sql }) => dueMonitors(sql, AT_ONCE));
    if (due.length === 0) return false;
    await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
      for (const { uid, project_id: projectId } of due) enqueueMonitor(tx, projectId, uid);
      // Until the job has run, which sets the next time.
      for (const { uid } of due) await scheduleEvaluation(tx.sql, uid, RETRY_MS, undefined);
    });
    return due.length === AT_ONCE;
  });
  const isDue = async (sql: Sql) => (await dueMonitors(sql, 1)).length > 0;
  return {
    start: async () => await loop.start((ring) => database.poll(undefined, isDue, ring)),
    stop: async () => await loop.stop(),
  };
}

export function enqueueMonitor(tx: Transaction, projectId: string, uid: string): string {
  const id = uuidv7();
  tx.enqueue({ id, queue: QUEUE, projectId, payload: { monitor: uid }, uniqueKey: uid, maxAttempts: 5 });
  return id;
}

export function monitorHandler(dependencies: MonitoringDependencies): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 2,
    perProject: 2,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async ({ payload }, io) => {
      const uid = String(payload['monitor']);
      try {
        return await evaluateAll(dependencies, uid, io);
      } catch (error) {
        if (!(error instanceof DaisError) || error.retryable || io.signal.aborted) throw error;
        // The user must fix the cause: it is reported, and retried later.
        await io.write(async (tx) => {
          await scheduleEvaluation(tx.sql, uid, RETRY_MS, error.message);
          await wakeResources(tx.sql, [uid]);
        });
        throw new JobFailed(error.message);
      }
    },
    ended: async (tx, { payload, projectId }, end) => {
      if (end.state === 'succeeded') return;
      await tx.enter(projectId);
      const uid = String(payload['monitor']);
      await scheduleEvaluation(tx.sql, uid, RETRY_MS, end.error);
      await wakeResources(tx.sql, [uid]);
    },
  };
}

async function evaluateAll(dependencies: MonitoringDependencies, uid: string, io: JobIo): Promise<unknown> {
  let evaluated = 0;
  let more = true;
  while (more && evaluated < MAX_WINDOWS) {
    io.signal.throwIfAborted();
    const monitor = await io.read(async ({ sql }) => await findMonitor(sql, uid));
    if (monitor === undefined || monitor.suspended) return { evaluated };
    more = await evaluateNext(dependencies, monitor, io);
    if (more) evaluated += 1;
  }
  const labeled = await evaluateLabels(dependencies, uid, io);
  await io.write(async ({ sql }) => {
    const monitor = await findMonitor(sql, uid);
    if (monitor !== undefined)
      await scheduleEvaluation(sql, uid, more ? 0 : untilNext(monitor, dependencies.clock.now()), undefined);
  });
  return { evaluated, labeled };
}

/** Returns false if the next window has not ended. */
async function evaluateNext(dependencies: MonitoringDependencies, monitor: MonitorRow, io: JobIo): Promise<boolean> {
  const open = monitor.dataset === null ? withPredictionWindow : withDatasetWindow;
  const evaluated = await open(
    dependencies,
    monitor,
    io.signal,
    async (window) => await evaluateWindow(dependencies, monitor, window, io.signal),
  );
  if (evaluated === undefined) return false;
  await io.write(async (tx) => await commitWindow(tx, dependencies, monitor, evaluated));
  return true;
}

function untilNext({ spec, cursor_at: cursor }: MonitorRow, now: number): number {
  if (spec.endpoint === undefined || spec.windows.type === 'count') return POLL_MS;
  const start = windowStart(spec.windows, Number(cursor));
  const due = start + lengthOf(spec.windows) + spec.graceSeconds * 1000 - now;
  return Math.max(0, Math.min(due, POLL_MS));
}
