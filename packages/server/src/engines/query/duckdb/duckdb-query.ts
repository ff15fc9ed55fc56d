/**
 * The query engine with DuckDB. It has two lanes, each with its own queue and process, so that small jobs do not wait for large
 * ones. DuckDB never runs in this process: six heavy queries blocked libuv's threads for 12 s. The isolation engine confines
 * the processes.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import type { Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Log } from '#lib/log.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import { machineMemory } from '#lib/system/machine-memory.ts';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';
import type {
  Column,
  FileTable,
  QueryEngine,
  QueryEngineState,
  QueryJob,
  QueryLimits,
  QueryOutput,
  QueryResult,
  RunOptions,
  StatementResult,
  TableDescription,
  TableSource,
} from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import type { Query } from '../model/query-tree.ts';
import { StagedJob, type LaneFolders } from './job-files.ts';
import { QueryProcess, type ProcessResponse } from './query-process.ts';
import { FairQueue } from './fair-queue.ts';
import type { JobLimits, RunResponse, Work } from './wire.ts';

export interface DuckdbQueryOptions {
  /** Scratch folder; created when missing. */
  readonly folder: string;
  /** For the processes of both lanes together. */
  readonly memoryBytes: number;
  readonly tempBytes: number;
  readonly threads: number;
  /** Wall time of a job that has a `caller`. Default 60 s. */
  readonly callerSeconds?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  readonly idleMs?: number;
}

/** Memory of an idle process: Node, DuckDB and their code. Its limit is this plus the share of its lane. */
const BASE_MEMORY_BYTES = 256 * 1024 * 1024;
/** Threads of Node and DuckDB in addition to query threads. */
const FURTHER_THREADS = 32;
/** DuckDB exceeds its limit by up to 30 % (measured at 1 GB), and Node needs about 60 MB in addition. */
const OF_MEMORY = 0.7;
const LIGHT_SHARE = 0.2;
/** Jobs with files up to this total size use the light lane. Those without a caller, for whom nobody waits, use one thread. */
const LIGHT_BYTES = 32 * 1024 * 1024;
/**
 * One thread reads files up to this total size: DuckDB distributes row groups (122,880 rows) to threads, and with one row group
 * a second thread costs 10 to 13 % of CPU (aggregating 100,000 rows of 20 columns) without a speedup.
 */
const ONE_THREAD_BYTES = 8 * 1024 * 1024;
const MOST_WAITING = 64;
const IDLE_MS = 120_000;
const DEFAULT_WALL_MS = 3_600_000;
const DEFAULT_CALLER_SECONDS = 60;
/** Maximum active queries of one caller. Eight 90-second queries of one user delayed all others by 2 to 9 s. */
const MOST_OF_CALLER = 2;
/** Maximum waiting queries of one caller; a page of the console sends several at the same time. */
const MOST_WAITING_OF_CALLER = 16;
const DEFAULT_INFLATED_BYTES = 64 * 1024 ** 3;
const DEFAULT_LINE_BYTES = 16 * 1024 * 1024;
/** Leftovers of processes that cannot be checked are removed after this time. */
const STALE_MS = 24 * 3_600_000;

interface Lane {
  readonly turns: FairQueue;
  readonly folders: LaneFolders;
  readonly process: QueryProcess;
  readonly memoryBytes: number;
}

const MEBIBYTE = 1024 * 1024;

/** Opens the engine, with defaults from the machine. Starts no process. */
export function openDuckdbQuery({
  memoryMb = Math.min(16_384, Math.max(1024, Math.floor(machineMemory() / MEBIBYTE / 4))),
  tempMb,
  threads = availableParallelism(),
  ...options
}: Omit<DuckdbQueryOptions, 'memoryBytes' | 'tempBytes' | 'threads'> & {
  readonly memoryMb?: number | undefined;
  readonly threads?: number | undefined;
  readonly tempMb: number;
}): QueryEngine {
  return new DuckdbQuery({ ...options, threads, memoryBytes: memoryMb * MEBIBYTE, tempBytes: tempMb * MEBIBYTE });
}

export class DuckdbQuery implements QueryEngine {
  readonly #options: DuckdbQueryOptions;
  readonly #own: string;
  readonly #heavy: Lane;
  readonly #light: Lane;
  readonly #callers = new Map<string, { readonly slots: Semaphore; count: number }>();
  #prepared: Promise<void> | undefined;
  #closed = false;

  constructor(options: DuckdbQueryOptions) {
    this.#options = options;
    this.#own = path.join(options.folder, uuidv7(options.clock.now()));
    const isolation = options.isolation ?? sharedIsolation();
    this.#heavy = this.#lane('heavy', 1 - LIGHT_SHARE, isolation);
    this.#light = this.#lane('light', LIGHT_SHARE, isolation);
  }

  async run(job: QueryJob, options: RunOptions = {}): Promise<QueryResult> {
    const { caller } = job;
    if (caller === undefined) return await this.#run(job, options);
    const own = this.#callers.get(caller) ?? { slots: new Semaphore(MOST_OF_CALLER), count: 0 };
    if (own.count >= MOST_OF_CALLER + MOST_WAITING_OF_CALLER) {
      throw new DaisError(
        'rate_limited',
        `You have ${own.count} running or waiting queries, which is the maximum. Wait until one of them ends.`,
        { retryAfter: 5 },
      );
    }
    own.count += 1;
    this.#callers.set(caller, own);
    const { callerSeconds = DEFAULT_CALLER_SECONDS } = this.#options;
    const limits = { wallMs: callerSeconds * 1000, ...job.limits };
    try {
      return await own.slots.run(async () => await this.#run({ ...job, limits }, options), options.signal);
    } finally {
      own.count -= 1;
      if (own.count === 0) this.#callers.delete(caller);
    }
  }

  async #run(job: QueryJob, options: RunOptions): Promise<QueryResult> {
    const began = this.#options.clock.now();
    const outputs = [job.output, ...(job.more ?? []).map(({ output }) => output)];
    try {
      const work: Work = { type: 'run', job };
      const { answer, rows, usage } = await this.#inLane(Object.values(job.tables), work, job, options);
      const [first, ...more] = (answer as RunResponse).statements.map((head, n): StatementResult => ({
        ...head,
        rows: rows[n] ?? [],
      }));
      if (first === undefined) throw new QueryError('query_failed', 'The query process returned no result.');
      const { rejects } = answer as RunResponse;
      return { ...first, more, rejects, usage: { ...usage, wallMs: this.#options.clock.now() - began } };
    } catch (error) {
      await removeOutputs(outputs);
      throw error;
    }
  }

  async describe(table: FileTable, options: RunOptions = {}): Promise<TableDescription> {
    const { answer } = await this.#inLane([table], { type: 'describe', table }, {}, options);
    if (answer.type !== 'describe')
      throw new QueryError('query_failed', 'The query process returned an unexpected response.');
    return answer.description;
  }

  async check(query: Query, tables: Readonly<Record<string, readonly Column[]>>): Promise<readonly Column[]> {
    const work: Work = { type: 'check', query, tables };
    const { answer } = await this.#work(this.#light, work, { owner: '', limits: { wallMs: 60_000 }, threads: 1 }, {});
    if (answer.type !== 'check')
      throw new QueryError('query_failed', 'The query process returned an unexpected response.');
    return answer.columns;
  }

  state(): QueryEngineState {
    const lanes = [this.#heavy, this.#light];
    return {
      pids: lanes.flatMap(({ process: { pid } }) => (pid === undefined ? [] : [pid])),
      running: lanes.reduce((sum, { turns }) => sum + turns.running, 0),
      waiting: lanes.reduce((sum, { turns }) => sum + turns.waiting, 0),
      version: this.#heavy.process.version || this.#light.process.version,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#heavy, this.#light].map(async (lane) => await lane.process.stop()));
    await rm(this.#own, { recursive: true, force: true });
  }

  #lane(name: string, share: number, isolation: Isolation): Lane {
    const { clock, log, threads, memoryBytes, tempBytes, idleMs = IDLE_MS } = this.#options;
    const folders = { inputs: path.join(this.#own, name, 'in'), work: path.join(this.#own, name, 'work') };
    const limits = {
      memoryBytes: Math.floor(memoryBytes * share) + BASE_MEMORY_BYTES,
      // DuckDB reserves many times the memory that it uses: more than 4 GB for a profile of 120 columns and 3 rows.
      reservedBytes: Infinity,
      cpu: threads,
      processes: threads + FURTHER_THREADS,
      threads: threads + FURTHER_THREADS,
      diskBytes: tempBytes,
    };
    return {
      turns: new FairQueue(MOST_WAITING),
      folders,
      process: new QueryProcess({ clock, log, isolation, folders, limits, idleMs }),
      memoryBytes: memoryBytes * OF_MEMORY * share,
    };
  }

  /** A job in the light lane that exceeds its memory runs again in the heavy lane. */
  async #inLane(
    tables: readonly TableSource[],
    work: Work,
    { owner = '', limits = {}, caller }: Pick<QueryJob, 'owner' | 'limits' | 'caller'>,
    options: RunOptions,
  ): Promise<ProcessResponse> {
    const bytes = await sizeOfAll(tables);
    const lane = bytes > LIGHT_BYTES ? this.#heavy : this.#light;
    // Without files, the cost is unknown.
    const isSmall = bytes > 0 && bytes <= (caller === undefined ? LIGHT_BYTES : ONE_THREAD_BYTES);
    const job = { owner, limits, threads: isSmall ? 1 : this.#options.threads };
    try {
      return await this.#work(lane, work, job, options);
    } catch (error) {
      const more = lane === this.#light && (limits.memoryBytes ?? lane.memoryBytes) >= lane.memoryBytes;
      if (!more || !(error instanceof QueryError) || !error.message.includes('query.memoryMb')) throw error;
      return await this.#work(this.#heavy, work, { ...job, threads: this.#options.threads }, options);
    }
  }

  async #work(
    lane: Lane,
    work: Work,
    { owner, limits, threads }: { readonly owner: string; readonly limits: QueryLimits; readonly threads: number },
    options: RunOptions,
  ): Promise<ProcessResponse> {
    const { signal, progress = () => {} } = options;
    this.#refuseClosed();
    await (this.#prepared ??= this.#prepare());
    if (lane.turns.full) {
      throw new QueryError('overloaded', `${MOST_WAITING} queries already wait, which is the maximum. Retry later.`);
    }
    if (lane.turns.running > 0) progress({ phase: 'waiting', ahead: lane.turns.waiting + 1 });
    await lane.turns.take(owner, signal);
    let staged: StagedJob | undefined;
    try {
      this.#refuseClosed();
      staged = await StagedJob.stage(work, uuidv7(this.#options.clock.now()), lane.folders);
      const result = await lane.process.run({
        staged,
        limits: { ...this.#limits(lane, limits), threads },
        owner,
        hasSql: hasPersonSql(work),
        wallMs: limits.wallMs ?? DEFAULT_WALL_MS,
        signal,
        progress,
      });
      return { ...result, answer: await staged.finish(result.answer) };
    } catch (error) {
      this.#refuseClosed();
      throw error;
    } finally {
      try {
        await staged?.clear();
      } finally {
        lane.turns.next();
      }
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new QueryError('shutting_down', 'The query engine is stopping.');
  }

  #limits(lane: Lane, limits: QueryLimits): Omit<JobLimits, 'threads'> {
    const { tempBytes } = this.#options;
    return {
      memoryBytes: Math.min(lane.memoryBytes, limits.memoryBytes ?? lane.memoryBytes),
      tempBytes: Math.min(tempBytes, limits.tempBytes ?? tempBytes),
      inflatedBytes: Math.min(tempBytes, limits.inflatedBytes ?? DEFAULT_INFLATED_BYTES),
      lineBytes: limits.lineBytes ?? DEFAULT_LINE_BYTES,
    };
  }

  /** Creates the folder of this process, and removes those of ended processes. */
  async #prepare(): Promise<void> {
    const { folder, clock } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const left = path.join(folder, name);
      if (await isLeftBehind(left, clock.now())) await rm(left, { recursive: true, force: true });
    }
    for (const { folders } of [this.#heavy, this.#light]) {
      for (const each of [folders.inputs, folders.work]) await mkdir(each, { recursive: true, mode: 0o700 });
    }
    const owner = path.join(this.#own, OWNER);
    await writeFile(`${owner}.tmp`, JSON.stringify(processIdentity(process.pid) ?? {}));
    await rename(`${owner}.tmp`, owner);
  }
}

const OWNER = 'owner.json';

async function isLeftBehind(folder: string, now: number): Promise<boolean> {
  // Without one, its process has died or is about to write it.
  const text = await readFile(path.join(folder, OWNER), 'utf8').catch(() => '{}');
  const judged = checkProcess(JSON.parse(text) as ProcessIdentity);
  if (judged === 'gone') return true;
  return judged === 'other' && now - (await stat(folder)).mtimeMs > STALE_MS;
}

/** In bytes of Parquet. */
async function sizeOfAll(tables: readonly TableSource[]): Promise<number> {
  const files = tables.flatMap((table) => ('files' in table ? table.files : []));
  // The size of a compressed text file is no estimate of its content.
  const sizes = await Promise.all(
    files.map(async ({ path: file, format }) => (await sizeOf(file)) * (format === 'parquet' ? 1 : 4)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sizeOf(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    // Reading it reports the error with its name.
    () => 0,
  );
}

async function removeOutputs(outputs: readonly QueryOutput[]): Promise<void> {
  for (const output of outputs) {
    if (output.type === 'csv' || output.type === 'ndjson' || output.type === 'arrow')
      await rm(output.path, { force: true });
    if (output.type !== 'parquet') continue;
    const names = await readdir(output.folder).catch(() => []);
    const ours = names.filter((name) => name.startsWith(`${output.name}-`) || name === `.${output.name}.trial`);
    for (const name of ours) await rm(path.join(output.folder, name), { force: true });
  }
}

/** Returns whether the work contains user SQL. */
function hasPersonSql(work: Work): boolean {
  if (work.type === 'describe') return false;
  const { query } = work.type === 'check' ? work : work.job;
  if (work.type === 'check') return hasSqlRelation(query);
  const { prepare = [], more = [] } = work.job;
  return [query, ...prepare.map((step) => step.query), ...more.map((one) => one.query)].some(hasSqlRelation);
}

function hasSqlRelation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (value as { readonly type?: unknown }).type === 'sql' || Object.values(value).some(hasSqlRelation);
}
