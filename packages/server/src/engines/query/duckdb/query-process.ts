/** The engine's child: started at the first work, gone after a while without any; one work at a time. */
import type { Duplex } from 'node:stream';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { ownProgram, programBeside, start, type ChildProcess } from '#lib/process.ts';
import type { QueryProgress, StatementResult } from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import { onFrames, sendFrame } from './frames.ts';
import type { Answer, FromWorker, JobLimits, ToWorker, Work } from './wire.ts';

export interface ProcessParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Home and working folder of the child. */
  readonly folder: string;
  /** Without work for so long it ends, and its memory is the system's again. */
  readonly idleMs: number;
}

export interface ProcessWork {
  readonly folder: string;
  readonly limits: JobLimits;
  readonly work: Work;
  readonly wallMs: number;
  readonly signal: AbortSignal | undefined;
  readonly progress: (progress: QueryProgress) => void;
}

export interface ProcessAnswer {
  readonly answer: Answer;
  readonly rows: readonly StatementResult['rows'][];
  readonly usage: { readonly cpuMs: number; readonly peakMemoryBytes: number };
}

/** From the interruption of a query to the end of its process. */
const GRACE_MS = 3000;

interface Running {
  readonly id: number;
  readonly rows: StatementResult['rows'][number][][];
  readonly progress: (progress: QueryProgress) => void;
  readonly resolve: (answer: ProcessAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class QueryProcess {
  readonly #parts: ProcessParts;
  #child: ChildProcess | undefined;
  #running: Running | undefined;
  #ids = 0;
  #version = '';
  #cancelIdle: (() => void) | undefined;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Of DuckDB; empty until a child has run. */
  get version(): string {
    return this.#version;
  }

  /** One at a time. @throws QueryError; the reason of `signal`, once the child has let go. */
  async run(work: ProcessWork): Promise<ProcessAnswer> {
    this.#cancelIdle?.();
    const child = (this.#child ??= this.#start());
    const id = ++this.#ids;
    let stopped: unknown;
    let cancelKill: (() => void) | undefined;
    const stop = (reason: unknown) => {
      if (stopped !== undefined) return;
      stopped = reason;
      this.#send({ type: 'cancel', id });
      cancelKill = this.#parts.clock.after(GRACE_MS, () => child.kill('SIGKILL'));
    };
    const abort = () => stop(work.signal?.reason);
    const cancelWall = this.#parts.clock.after(work.wallMs, () =>
      stop(new QueryError('query_limit', `The query took longer than ${Math.round(work.wallMs / 1000)} s.`)),
    );
    try {
      return await new Promise<ProcessAnswer>((resolve, reject) => {
        this.#running = { id, rows: [], progress: work.progress, resolve, reject };
        this.#send({ type: 'work', id, folder: work.folder, limits: work.limits, work: work.work });
        work.signal?.addEventListener('abort', abort, { once: true });
        if (work.signal?.aborted === true) abort();
      });
    } catch (error) {
      throw stopped ?? error;
    } finally {
      cancelWall();
      cancelKill?.();
      work.signal?.removeEventListener('abort', abort);
      this.#running = undefined;
      this.#cancelIdle = this.#parts.clock.after(this.#parts.idleMs, () => void this.stop());
    }
  }

  /** Ends the child now; what runs is rejected. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#cancelIdle?.();
    const child = this.#child;
    if (child === undefined) return;
    // Whoever comes before it is gone has a new one.
    if (this.#running === undefined) this.#child = undefined;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    // While somebody waits for its end, it holds our process again.
    child.ref();
    child.kill('SIGKILL');
    await gone;
  }

  #start(): ChildProcess {
    const child = start(process.execPath, ownProgram(programBeside(import.meta.url, './worker')), {
      cwd: this.#parts.folder,
      // Nothing of the server's: no secrets, no proxy, no options of Node.
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: this.#parts.folder, TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4096);
    });
    const pipe = pipeOf(child);
    pipe.on('error', () => {});
    onFrames(pipe, (message) => this.#hear(message as FromWorker));
    child.once('error', (error) => this.#onEnd(child, error.message, said));
    child.once('close', (code, signal) => this.#onEnd(child, signal ?? `exit code ${code}`, said));
    child.unref();
    return child;
  }

  #send(message: ToWorker): void {
    if (this.#child !== undefined) sendFrame(pipeOf(this.#child), message);
  }

  #hear(message: FromWorker): void {
    if (message.type === 'ready') {
      this.#version = message.version;
      return;
    }
    const running = this.#running;
    if (running?.id !== message.id) return;
    switch (message.type) {
      case 'progress':
        running.progress(message.progress);
        break;
      case 'rows':
        (running.rows[message.statement] ??= []).push(...message.rows);
        break;
      case 'done':
        running.resolve({ answer: message.answer, rows: running.rows, usage: message.usage });
        break;
      case 'failed': {
        const { code, detail, ...failure } = message.failure;
        running.reject(new QueryError(code, detail, failure));
        break;
      }
    }
  }

  #onEnd(child: ChildProcess, how: string, said: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const running = this.#running;
    if (running === undefined) return;
    this.#parts.log.warn('the query process ended during a query', { how, said });
    running.reject(new QueryError('query_failed', `The query process ended (${how}) during the query.`));
  }
}

function pipeOf(child: ChildProcess): Duplex {
  return child.stdio[3] as Duplex;
}
