/**
 * The isolated process of a lane: starts for the first job, ends after an idle time. It runs one job at a time, and sees the
 * programs of Dais and the two folders of its lane.
 */
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { IsolatedEnd, IsolatedProcess, IsolatedRun, Isolation, RunLimits } from '#engines/isolation/contract.ts';
import { programFolders } from '#engines/isolation/programs.ts';
import type { Clock } from '#lib/clock.ts';
import { folderSize } from '#lib/system/folder-size.ts';
import type { Log } from '#lib/log.ts';
import { ownProgram, programUrl } from '#lib/process.ts';
import type { QueryProgress, StatementResult } from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import { onFrames, sendFrame } from './frames.ts';
import type { LaneFolders, StagedJob } from './job-files.ts';
import type { Answer, FromWorker, JobLimits, ToWorker } from './wire.ts';

export interface ProcessDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly isolation: Isolation;
  readonly folders: LaneFolders;
  readonly limits: RunLimits;
  /** Idle time after which it ends and frees its memory. */
  readonly idleMs: number;
}

export interface ProcessWork {
  readonly staged: StagedJob;
  readonly limits: JobLimits;
  readonly owner: string;
  /** Whether the job contains user SQL. */
  readonly hasSql: boolean;
  readonly wallMs: number;
  readonly signal: AbortSignal | undefined;
  readonly progress: (progress: QueryProgress) => void;
}

export interface ProcessResponse {
  readonly answer: Answer;
  readonly rows: readonly StatementResult['rows'][];
  readonly usage: { readonly cpuMs: number; readonly peakMemoryBytes: number };
}

/** Time from the interruption of a query to the termination of its process. */
const GRACE_MS = 3000;
const MEASURE_MS = 1000;
/** Spilled data, stored steps, decompressed text and outputs may each use `query.tempMb`; the process enforces these limits. */
const DISK_SHARES = 4;
const KEPT_OUTPUT = 4096;
const OVERFULL = 'The query needs more temporary disk than `query.tempMb` allows.';

interface Child {
  readonly process: IsolatedProcess;
  readonly socket: Duplex;
  /** Visible files in addition to the folders of its lane. */
  readonly mounts: readonly string[];
  /** Owner of the SQL that it has run. */
  sqlOf: string | undefined;
  output: string;
  end: IsolatedEnd | undefined;
}

interface Running {
  readonly id: number;
  readonly child: Child;
  readonly rows: StatementResult['rows'][number][][];
  readonly progress: (progress: QueryProgress) => void;
  readonly resolve: (answer: ProcessResponse) => void;
  readonly reject: (error: unknown) => void;
}

/** Returns the run of a lane, with its program. */
export function queryRun(
  { folders, limits }: Pick<ProcessDependencies, 'folders' | 'limits'>,
  command: readonly string[],
  readable: readonly string[] = [],
): IsolatedRun {
  return {
    workload: 'query',
    owner: 'queries',
    // It reads files that only Dais can read.
    identity: 'dais',
    command,
    limits,
    network: { type: 'none' },
    files: {
      readable: [...programFolders(), folders.inputs, ...readable],
      writable: [{ outside: folders.work, inside: folders.work }],
    },
  };
}

export class QueryProcess {
  readonly #dependencies: ProcessDependencies;
  #starting: Promise<Child> | undefined;
  #child: Child | undefined;
  #running: Running | undefined;
  #ids = 0;
  #version = '';
  #cancelIdle: (() => void) | undefined;

  constructor(dependencies: ProcessDependencies) {
    this.#dependencies = dependencies;
  }

  get pid(): number | undefined {
    return this.#child?.process.programPid();
  }

  /** Of DuckDB; empty until a child has run. */
  get version(): string {
    return this.#version;
  }

  /** Runs one job at a time. @throws QueryError; the reason of `signal`, after the child has released the files. */
  async run(work: ProcessWork): Promise<ProcessResponse> {
    const { clock } = this.#dependencies;
    this.#cancelIdle?.();
    let stopped: unknown;
    let cancelKill: (() => void) | undefined;
    let isOver = false;
    let stop = (_reason: unknown) => {};
    const abort = () => stop(work.signal?.reason);
    let cancelWall = () => {};
    try {
      const child = await this.#childFor(work);
      const id = ++this.#ids;
      stop = (reason) => {
        if (stopped !== undefined) return;
        stopped = reason;
        send(child, { type: 'cancel', id });
        cancelKill = clock.after(GRACE_MS, () => child.process.kill('it did not stop its query'));
      };
      cancelWall = clock.after(work.wallMs, () =>
        stop(
          new QueryError('query_limit', `The query exceeded its time limit of ${Math.round(work.wallMs / 1000)} s.`),
        ),
      );
      const measure = async () => {
        const most = work.limits.tempBytes * DISK_SHARES;
        if ((await folderSize(work.staged.folder)) > most) stop(new QueryError('query_limit', OVERFULL));
        if (!isOver) clock.after(MEASURE_MS, () => void measure());
      };
      clock.after(MEASURE_MS, () => void measure());
      return await new Promise<ProcessResponse>((resolve, reject) => {
        this.#running = { id, child, rows: [], progress: work.progress, resolve, reject };
        if (child.end !== undefined) this.#onEnd(child, child.end);
        const { folder, work: staged } = work.staged;
        send(child, { type: 'work', id, folder, limits: work.limits, work: staged });
        work.signal?.addEventListener('abort', abort, { once: true });
        if (work.signal?.aborted === true) abort();
      });
    } catch (error) {
      throw stopped ?? error;
    } finally {
      isOver = true;
      cancelWall();
      cancelKill?.();
      work.signal?.removeEventListener('abort', abort);
      this.#running = undefined;
      this.#cancelIdle = clock.after(this.#dependencies.idleMs, () => void this.stop());
    }
  }

  /** Ends the child immediately and rejects the running job. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#cancelIdle?.();
    await this.#starting?.catch(() => {});
    const child = this.#child;
    if (child === undefined) return;
    // A job that arrives before its end gets a new one.
    if (this.#running === undefined) this.#child = undefined;
    // Keeps this process alive while a caller waits for its end.
    child.process.ref();
    child.process.kill('it is no longer needed');
    await child.process.ended;
  }

  /**
   * A process that has run the SQL of one owner is not reused for another one, so that any effects of the SQL end with it. A
   * process with files under their own paths is used for one job.
   */
  async #childFor({ staged, owner, hasSql }: ProcessWork): Promise<Child> {
    const { mounts } = staged;
    const before = this.#child;
    const isUsable =
      before !== undefined &&
      before.end === undefined &&
      before.mounts.length + mounts.length === 0 &&
      (before.sqlOf === undefined || before.sqlOf === owner);
    if (!isUsable) {
      await this.stop();
      this.#starting = this.#start(mounts);
      try {
        this.#child = await this.#starting;
      } finally {
        this.#starting = undefined;
      }
    }
    const child = isUsable ? before : this.#child;
    if (child === undefined) throw new QueryError('query_failed', 'The query process ended before the query.');
    if (hasSql) child.sqlOf = owner;
    return child;
  }

  async #start(mounts: readonly string[]): Promise<Child> {
    const { isolation, folders, log } = this.#dependencies;
    const command = [process.execPath, ...ownProgram(programUrl(import.meta.url, './worker'))];
    const { boundary } = await isolation.report();
    // DuckDB reads the limits of its control group, and fails when these files are visible but unreadable.
    const readable = boundary === 'landlock' ? [...mounts, '/sys/fs/cgroup'] : mounts;
    let child: Child | undefined;
    const started = await isolation.start(
      // Without isolation, a process with limits is enough: SQL is validated before it runs.
      { ...queryRun(this.#dependencies, command, readable), isolation: boundary === 'none' ? 'none' : 'required' },
      {
        // No variables of the server: no secrets, no proxy, no options of Node.
        variables: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folders.work, TZ: 'UTC' },
        hasSocket: true,
        onOutput: (chunk) => {
          if (child !== undefined) child.output = (child.output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
        },
      },
    );
    const { socket } = started;
    if (socket === undefined) throw new Error('the query process has no socket');
    const made: Child = { process: started, socket, mounts, sqlOf: undefined, output: '', end: undefined };
    child = made;
    // Keeps this process alive while it runs, because a caller waits for the result.
    (socket as Socket).ref();
    socket.on('error', () => {});
    onFrames(socket, (message) => this.#receive(made, message as FromWorker));
    void started.ended.then((end) => {
      made.end = end;
      if (end.cause !== 'killed') log.warn('the query process ended', { reason: end.reason, output: made.output });
      this.#onEnd(made, end);
    });
    return made;
  }

  #receive(child: Child, message: FromWorker): void {
    if (message.type === 'ready') {
      this.#version = message.version;
      return;
    }
    const running = this.#running;
    if (running?.child !== child || running.id !== message.id) return;
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

  #onEnd(child: Child, end: IsolatedEnd): void {
    if (this.#child === child) this.#child = undefined;
    if (this.#running?.child === child) this.#running.reject(errorOfEnd(end, child.output));
  }
}

function errorOfEnd({ cause, reason, signal, code }: IsolatedEnd, output: string): QueryError {
  switch (cause) {
    case 'memory':
      return outOfMemory(reason);
    case 'disk':
      return new QueryError(
        'query_limit',
        `${reason}. Reduce the temporary data of the query, or raise \`query.tempMb\`.`,
      );
    case 'processes':
      return new QueryError('query_limit', `${reason}.`);
    case 'not-started':
      return new QueryError('query_failed', `${reason}.`);
    default: {
      // Without control groups, the limit of a process makes its allocations fail.
      if (/out of memory|bad_alloc/i.test(output)) return outOfMemory('The query process ran out of memory and ended');
      const how = cause === 'killed' ? reason : (signal ?? `exit code ${code}`);
      return new QueryError('query_failed', `The query process ended (${how}) during the query.`);
    }
  }
}

function outOfMemory(reason: string): QueryError {
  return new QueryError(
    'query_limit',
    `${reason}. Reduce the number or size of the values in the query, or raise \`query.memoryMb\`.`,
  );
}

function send({ socket }: Child, message: ToWorker): void {
  if (!socket.destroyed) sendFrame(socket, message);
}
