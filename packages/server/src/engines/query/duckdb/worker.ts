/** The program of the engine's process: runs one job at a time from its pipe, and ends with its parent. */
import { statSync } from 'node:fs';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { version } from '@duckdb/node-api';
import { onFrames, sendFrame } from './frames.ts';
import { failureOf } from './job-errors.ts';
import { QueryError } from '../model/query-error.ts';
import { runWork } from './run-job.ts';
import { STAGE_FILES, type Session } from './session.ts';
import type { FromWorker, ToWorker } from './wire.ts';

/** The engine opens it as a duplex. */
const PIPE = 3;
const POLL_MS = 250;
const OVERFULL = 'The query needs more temporary disk than `query.tempMb` allows.';

let current: { readonly id: number; session: Session | undefined; canceled: boolean } | undefined;

const pipe = new Socket({ fd: PIPE, readable: true, writable: true });

function send(message: FromWorker): boolean {
  return sendFrame(pipe, message);
}

async function work(message: Extract<ToWorker, { readonly type: 'work' }>): Promise<void> {
  const { id, folder, limits } = message;
  const state: NonNullable<typeof current> = { id, session: undefined, canceled: false };
  current = state;
  const cpu = process.cpuUsage();
  let peak = residentBytes();
  let overfull = false;
  let phase: 'reading' | 'running' | 'writing' = 'reading';
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes());
    // DuckDB counts spilled data, but not the file of stored steps.
    overfull ||= stageBytes(folder) > limits.tempBytes;
    if (overfull) state.session?.interrupt();
    const share = state.session?.share;
    send({ type: 'progress', id, progress: { phase, ...(share !== undefined && { share }) } });
  }, POLL_MS);
  try {
    const answer = await runWork(message.work, {
      folder,
      limits,
      progress: (progress) => {
        if (progress.phase !== 'waiting') phase = progress.phase;
        send({ type: 'progress', id, progress });
      },
      sendRows: async (statement, rows) => {
        // Backpressure: rows wait here, not in the memory of the engine.
        if (!send({ type: 'rows', id, statement, rows })) await once(pipe, 'drain');
      },
      onSession: (session) => {
        state.session = session;
        if (state.canceled) session.interrupt();
      },
    });
    const { user, system } = process.cpuUsage(cpu);
    peak = Math.max(peak, residentBytes());
    send({ type: 'done', id, answer, usage: { cpuMs: Math.round((user + system) / 1000), peakMemoryBytes: peak } });
  } catch (error) {
    const cause = overfull ? new QueryError('query_limit', OVERFULL) : error;
    send({ type: 'failed', id, failure: failureOf(cause, state.session?.widest) });
  } finally {
    clearInterval(timer);
    current = undefined;
  }
}

/** 0 without /proc, which some boundaries do not provide. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}

function stageBytes(folder: string): number {
  const sizes = STAGE_FILES.flatMap((name) => [name, `${name}.wal`]).map(
    (name) => statSync(`${folder}/${name}`, { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function receive(message: ToWorker): void {
  if (message.type === 'work') {
    void work(message);
    return;
  }
  if (current?.id !== message.id) return;
  current.canceled = true;
  current.session?.interrupt();
}

pipe.on('error', () => {});
// Nothing may outlive the engine; a query in a thread would delay a normal exit.
pipe.once('close', () => process.kill(process.pid, 'SIGKILL'));
onFrames(pipe, (message) => receive(message as ToWorker));
send({ type: 'ready', version: version() });
