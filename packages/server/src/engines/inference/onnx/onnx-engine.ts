/**
 * Serves ONNX models with onnxruntime. A graph runs within the caller's process only if its memory and time are statically
 * bounded and small, its author is trusted, and it passed a test in a process with limits; all others run in processes with
 * limits. `run` of onnxruntime blocks its thread, so only short batches stay on the caller's thread: a hop to another thread
 * costs 50 µs, the duration of a small model.
 */
import { DaisError } from '@dais/api';
import type { Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import { programFolders } from '#engines/isolation/programs.ts';
import type { Clock } from '#lib/clock.ts';
import { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { Lazy } from '#lib/concurrency/lazy.ts';
import type { Log } from '#lib/log.ts';
import { ownProgram, programUrl } from '#lib/process.ts';
import { testBatches, type BatchTest } from '../batch-test.ts';
import type { InferenceEngine, InferOptions, LoadedModel, LoadOptions, ModelFiles, Tensor } from '../contract.ts';
import { findModel, resolveInside, type ModelLocation } from '../model-location.ts';
import { modelLimits, mostRows, type ModelLimits } from '../model-limits.ts';
import { ModelProcess } from '../model-process.ts';
import { openTestedPool, readSample, type TestedPool } from '../tested-pool.ts';
import { RunnerPool } from '../runner-pool.ts';
import { ServedModel } from '../served-model.ts';
import { checkInputs, joinRows, rowsOf } from '../tensors.ts';
import { admittedBatches, type GraphPlacement } from './graph-placement.ts';
import { disableTelemetry } from './no-telemetry.ts';
import { analyzeOnnx } from './onnx-analysis.ts';
import type { OnnxDescription } from './onnx-description.ts';
import { ThreadRunner } from './onnx-runners.ts';
import { fromPlain, OnnxSession, toPlain, type SessionPlan } from './onnx-session.ts';

export interface OnnxInferenceOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  readonly random?: () => number;
  /** Models up to this file size are timed on the caller's thread; 0: none. Default 8 MiB. */
  readonly callerThreadBytes?: number;
  /** Runs no model within this process, even small and trusted ones. */
  readonly onlyProcesses?: boolean;
}

/** Larger models take tens of milliseconds to load on the caller's thread (23 MB: 47 ms). */
const SMALL_FILE = 8 * 1024 * 1024;
const SMALL_RUN_NS = 100_000;
/** Maximum duration of a batch on the caller's thread; longer ones run on another. */
const LONGEST_HERE_NS = 1_000_000;
/** Number of measured runs on the caller's thread. */
const MEASURED_RUNS = 50;
const MEASURED_NS = 5_000_000n;
/** Threads of Node itself. */
const NODE_THREADS = 16;
/** Reusable memory for transfers to and from threads. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024;

interface Found {
  readonly folder: string;
  readonly plan: SessionPlan;
  readonly description: OnnxDescription;
  /** Size of all files. */
  readonly bytes: number;
  readonly placement: GraphPlacement;
}

export class OnnxInference implements InferenceEngine {
  readonly name = 'onnx';
  readonly #options: OnnxInferenceOptions;
  readonly #isolation: Isolation;
  readonly #memory: BufferPool;

  constructor(options: OnnxInferenceOptions) {
    this.#options = options;
    this.#isolation = options.isolation ?? sharedIsolation();
    this.#memory = new BufferPool(options.clock, MOST_KEPT_BYTES);
    // Set here, because the library does not see the variables of a thread.
    disableTelemetry();
  }

  async refusal(files: ModelFiles): Promise<string | undefined> {
    try {
      await find(files, { threads: 1, maxRows: undefined, clock: this.#options.clock });
      return undefined;
    } catch (error) {
      if (error instanceof DaisError && error.code === 'invalid_request') return error.message;
      throw error;
    }
  }

  async load(files: ModelFiles, options: LoadOptions): Promise<LoadedModel> {
    const { threads = 1, trust, isProven = false, onPhase = () => {} } = options;
    onPhase('reading the model');
    const mayBeWithin = trust === 'trusted' && this.#options.onlyProcesses !== true;
    const { clock } = this.#options;
    const found = await find(files, { threads, maxRows: mayBeWithin ? mostRows(options) : undefined, clock });
    const limits = modelLimits(options, found.bytes);
    const { placement } = found;
    // The test has two rows.
    if (placement.rows < 2) return await this.#inProcesses(found, options, limits);
    if (!isProven) {
      const { pool } = await this.#openProcesses(found, { ...options, workers: 1 }, limits);
      await pool.close();
    }
    return await this.#within(found, options, limits);
  }

  async #inProcesses(found: Found, options: LoadOptions, limits: ModelLimits): Promise<LoadedModel> {
    const { pool, test } = await this.#openProcesses(found, options, limits);
    return new ServedModel({
      ...described(found.description, test.batchable),
      concurrency: () => pool.size,
      scale: async (size) => await pool.resize(size),
      run: async (inputs, infer) => await pool.infer(inputs, infer),
      crashes: () => pool.crashes,
      memoryBytes: () => pool.memoryBytes,
      cpuMs: () => pool.cpuMs,
      close: async () => await pool.close(),
    });
  }

  /** Bounded batches run on the caller's thread if they are short, else in threads; all others run in processes. */
  async #within(found: Found, options: LoadOptions, limits: ModelLimits): Promise<LoadedModel> {
    const { workers = 1, onPhase = () => {} } = options;
    const { description, bytes, plan, placement } = found;
    const sample = await readSample(options.sample, description.inputs);
    let size = workers;
    const threads = new Lazy(async () => {
      const pool = new RunnerPool({
        ...this.#poolDependencies(size),
        make: async () => await ThreadRunner.start(plan, this.#memory),
      });
      await pool.open();
      return pool;
    });
    const processes = new Lazy(
      async () => (await this.#openProcesses(found, { ...options, workers: size, onPhase: () => {} }, limits)).pool,
    );
    const isAdmitted = admittedBatches(placement, description.inputs);
    onPhase('loading the model');
    const here =
      bytes <= (this.#options.callerThreadBytes ?? SMALL_FILE) ? await this.#openHere(found, sample) : undefined;
    let test = here?.test;
    if (test === undefined) {
      const pool = await threads.get();
      onPhase('testing batches');
      const run = async (inputs: readonly Tensor[]) => await pool.infer(inputs, {});
      test = await testBatches(run, description.inputs, description.outputs, sample);
    }
    const opened = async () => [await threads.opened(), await processes.opened()];
    // Statistics can be read immediately, before the pool is open.
    const pools: RunnerPool[] = [];
    const poolOf = async (lazy: Lazy<RunnerPool>) => {
      const pool = await lazy.get();
      if (!pools.includes(pool)) pools.push(pool);
      return pool;
    };
    const sum = (of: (pool: RunnerPool) => number) => pools.reduce((all, pool) => all + of(pool), 0);
    return new ServedModel({
      ...described(description, test.batchable),
      concurrency: () => size,
      scale: async (target) => {
        size = target;
        for (const pool of await opened()) await pool?.resize(target);
      },
      run: async (inputs, infer) => {
        if (!isAdmitted(inputs)) return await (await poolOf(processes)).infer(inputs, infer);
        if (here !== undefined && here.speed.runNs + rowsOf(inputs) * here.speed.rowNs <= LONGEST_HERE_NS) {
          return await here.run(inputs, infer);
        }
        return await (await poolOf(threads)).infer(inputs, infer);
      },
      crashes: () => sum(({ crashes }) => crashes),
      memoryBytes: () => sum(({ memoryBytes }) => memoryBytes) + (here?.added ?? bytes * size),
      cpuMs: () => sum(({ cpuMs }) => cpuMs),
      close: async () => {
        for (const pool of await opened()) await pool?.close();
        await here?.session.release();
      },
    });
  }

  /** Opens the model on the caller's thread; undefined when it is too slow for that. */
  async #openHere(
    { plan, description, bytes }: Found,
    sample: readonly Tensor[] | undefined,
  ): Promise<Here | undefined> {
    const before = process.memoryUsage.rss();
    const session = await OnnxSession.open(plan);
    const run = runnerOf(session);
    const test = await testBatches(run, description.inputs, description.outputs, sample);
    const speed = test.rows === undefined ? undefined : await measure(run, test);
    if (speed !== undefined && speed.runNs < SMALL_RUN_NS) {
      return { session, run, test, speed, added: Math.max(bytes, process.memoryUsage.rss() - before) };
    }
    await session.release();
    return undefined;
  }

  async #openProcesses(
    { plan, folder, description }: Found,
    { workers = 1, sample, onEnd, onPhase = () => {} }: LoadOptions,
    { memoryBytes, loadMs, inferMs }: ModelLimits,
  ): Promise<TestedPool> {
    const make = async () => {
      const program = programUrl(import.meta.url, './onnx-process');
      const command = [process.execPath, ...ownProgram(program), JSON.stringify(plan)];
      // Without isolation, a process with limits is enough: operators are not programs.
      const { boundary } = await this.#isolation.report();
      const { process: started } = await ModelProcess.start({
        isolation: this.#isolation,
        run: {
          workload: 'onnx-model',
          owner: `model:${folder}`,
          command,
          limits: { threads: plan.threads + NODE_THREADS, memoryBytes },
          network: { type: 'none' },
          files: { readable: [...programFolders(), folder], writable: [] },
          isolation: boundary === 'none' ? 'none' : 'required',
        },
        variables: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', TZ: 'UTC' },
        loadMs,
        clock: this.#options.clock,
      });
      return started;
    };
    onPhase('loading the model in a process');
    const { inputs, outputs } = description;
    return await openTestedPool(
      { ...this.#poolDependencies(workers), make, inferMs, onEnd },
      { inputs, outputs, sample, onPhase },
    );
  }

  #poolDependencies(size: number) {
    const { clock, log, random = Math.random } = this.#options;
    return { size, clock, log, random };
  }
}

interface Here {
  readonly session: OnnxSession;
  readonly run: ReturnType<typeof runnerOf>;
  readonly test: BatchTest;
  readonly speed: Speed;
  /** Bytes that loading it added. */
  readonly added: number;
}

function described(description: OnnxDescription, batchable: boolean) {
  return {
    engine: 'onnx',
    platform: 'onnxruntime_onnx',
    inputs: description.inputs,
    outputs: description.outputs,
    batchable,
    enforce: (inputs: readonly Tensor[]) => {
      checkInputs(inputs, description.inputs);
      return inputs;
    },
  };
}

function runnerOf(session: OnnxSession) {
  return async (inputs: readonly Tensor[], { outputs }: InferOptions = {}) =>
    (await session.run(inputs.map(toPlain), outputs)).map(fromPlain);
}

interface Speed {
  /** Duration of a batch of two rows. */
  readonly runNs: number;
  /** Duration of each additional row. */
  readonly rowNs: number;
}

/**
 * Returns the minimum of several runs: the first runs allocate memory and are not compiled yet, and other load only adds time.
 * The median of seven runs of a 25 µs model was more than 100 µs.
 */
async function measure(
  run: (inputs: readonly Tensor[]) => Promise<unknown>,
  { rows, batchable }: BatchTest,
): Promise<Speed> {
  const time = async (inputs: readonly Tensor[]) => {
    const times: number[] = [];
    const until = process.hrtime.bigint() + MEASURED_NS;
    for (let round = 0; round < MEASURED_RUNS; round++) {
      const began = process.hrtime.bigint();
      if (began > until) break;
      await run(inputs);
      times.push(Number(process.hrtime.bigint() - began));
    }
    return Math.min(...times);
  };
  let inputs = rows ?? [];
  const runNs = await time(inputs);
  if (!batchable || runNs >= SMALL_RUN_NS) return { runNs, rowNs: runNs };
  for (let doubled = 0; doubled < 4; doubled++) inputs = inputs.map((one) => joinRows(one.name, one, one));
  return { runNs, rowNs: Math.max(1, ((await time(inputs)) - runNs) / 30) };
}

/** Analyzes the model without the runtime. @throws DaisError `invalid_request` */
async function find(
  files: ModelFiles,
  {
    threads,
    maxRows,
    clock,
  }: { readonly threads: number; readonly maxRows: number | undefined; readonly clock: Clock },
): Promise<Found> {
  const location = await findModel(files);
  const file = location.type === 'file' ? location.file : await resolveInside(location.root, onnxPath(location));
  if (!file.endsWith('.onnx')) refuse('The model is not an `.onnx` file.');
  const { folder } = location;
  const { description, bytes, placement } = await analyzeOnnx({ folder, file, maxRows }, clock);
  const [foreign] = description.foreignDomains;
  if (foreign !== undefined) refuse(`The model uses operators of \`${foreign}\`, which onnxruntime does not support.`);
  return { folder, plan: { file, threads, outputs: description.outputs }, description, bytes, placement };
}

function onnxPath({ description }: ModelLocation & { type: 'mlmodel' }): string {
  const flavors = description['flavors'] as Record<string, Record<string, unknown> | undefined> | undefined;
  const data = flavors?.['onnx']?.['data'];
  if (typeof data !== 'string') refuse('The `MLmodel` has no flavor `onnx`.');
  return data;
}

function refuse(detail: string): never {
  throw new DaisError('invalid_request', detail);
}
