/**
 * Models in ONNX, by onnxruntime. Its `run` blocks the thread it is called on, so only small models of trusted authors stay on
 * the caller's: a hop to another thread costs 50 µs, which is what such a model takes.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api';
import type { Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import type { Clock } from '#lib/clock.ts';
import { KeptMemory } from '#lib/kept-memory.ts';
import { Lazy } from '#lib/lazy.ts';
import type { Log } from '#lib/log.ts';
import { ownProgram, programBeside } from '#lib/process.ts';
import { testBatches, type BatchTest } from '../batch-test.ts';
import type { InferenceEngine, InferOptions, LoadedModel, LoadOptions, ModelFiles, Tensor } from '../contract.ts';
import { findModel, placeInside, type ModelPlace } from '../model-place.ts';
import { ModelProcess } from '../model-process.ts';
import { RunnerPool } from '../runner-pool.ts';
import { ServedModel } from '../served-model.ts';
import { checkInputs, joinRows, rowsOf } from '../tensors.ts';
import { disableTelemetry } from './no-telemetry.ts';
import { describeOnnx, type OnnxDescription } from './onnx-description.ts';
import { ThreadRunner } from './onnx-runners.ts';
import { fromPlain, OnnxSession, toPlain, type SessionPlan } from './onnx-session.ts';
import { programFolders } from './program-folders.ts';

export interface OnnxInferenceOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  readonly random?: () => number;
  /** Files up to this size are tried on the caller's thread; 0: none. Default 8 MiB. */
  readonly callerThreadBytes?: number;
}

/** Larger ones take tens of milliseconds to load, which would be on the caller's thread (23 MB: 47 ms). */
const SMALL_FILE = 8 * 1024 * 1024;
const SMALL_RUN_NS = 100_000;
/** What one batch may take on the caller's thread; longer ones go to another. */
const LONGEST_HERE_NS = 1_000_000;
/** A model is measured for so many runs, and no longer than that on the caller's thread. */
const MEASURED_RUNS = 50;
const MEASURED_NS = 5_000_000n;
const LOAD_MS = 120_000;
/** Threads of Node itself. */
const NODE_THREADS = 16;
/** Of batches that went to a thread and came back, for the next ones. */
const MOST_KEPT_BYTES = 64 * 1024 * 1024;

interface Found {
  readonly folder: string;
  readonly plan: SessionPlan;
  readonly description: OnnxDescription;
  readonly bytes: number;
}

export class OnnxInference implements InferenceEngine {
  readonly name = 'onnx';
  readonly #options: OnnxInferenceOptions;
  readonly #isolation: Isolation;
  readonly #memory: KeptMemory;

  constructor(options: OnnxInferenceOptions) {
    this.#options = options;
    this.#isolation = options.isolation ?? sharedIsolation();
    this.#memory = new KeptMemory(options.clock, MOST_KEPT_BYTES);
    // Here, because a thread has its own copy of the variables, which the library does not see.
    disableTelemetry();
  }

  async refusal(files: ModelFiles): Promise<string | undefined> {
    try {
      await find(files, 1);
      return undefined;
    } catch (error) {
      if (error instanceof DaisError && error.code === 'invalid_request') return error.message;
      throw error;
    }
  }

  async load(files: ModelFiles, options: LoadOptions): Promise<LoadedModel> {
    const { threads = 1, workers = 1, trust, sample, onPhase = () => {} } = options;
    onPhase('reading the model');
    const found = await find(files, threads);
    onPhase('loading the model');
    if (trust === 'trusted' && found.bytes <= (this.#options.callerThreadBytes ?? SMALL_FILE)) {
      const before = process.memoryUsage.rss();
      const session = await OnnxSession.open(found.plan);
      const run = runnerOf(session);
      const test = await testBatches(run, found.description.inputs, found.description.outputs, sample);
      const speed = test.rows === undefined ? undefined : await measure(run, test);
      if (speed !== undefined && speed.runNs < SMALL_RUN_NS) {
        const added = Math.max(found.bytes, process.memoryUsage.rss() - before);
        return this.#here(found, session, { test, speed, added, workers });
      }
      await session.release();
    }
    const pool = this.#pool(found, options);
    await pool.open();
    onPhase('testing batches');
    const run = async (inputs: readonly Tensor[]) => await pool.infer(inputs, {});
    const { batchable } = await testBatches(run, found.description.inputs, found.description.outputs, sample);
    return new ServedModel({
      ...described(found.description, batchable),
      concurrency: () => pool.size,
      scale: async (size) => await pool.resize(size),
      run: async (inputs, infer) => await pool.infer(inputs, infer),
      crashes: () => pool.crashes,
      memoryBytes: () => pool.memoryBytes + (trust === 'trusted' ? found.bytes * pool.size : 0),
      cpuMs: () => pool.cpuMs,
      close: async () => await pool.close(),
    });
  }

  #here(
    found: Found,
    session: OnnxSession,
    { test, speed, added, workers }: { test: BatchTest; speed: Speed; added: number; workers: number },
  ): LoadedModel {
    const run = runnerOf(session);
    let size = workers;
    const elsewhere = new Lazy(async () => {
      const pool = this.#pool(found, { trust: 'trusted', workers: size });
      await pool.open();
      return pool;
    });
    return new ServedModel({
      ...described(found.description, test.batchable),
      concurrency: () => size,
      scale: async (wanted) => {
        size = wanted;
        await (await elsewhere.opened())?.resize(wanted);
      },
      run: async (inputs, options) => {
        const expectedNs = speed.runNs + rowsOf(inputs) * speed.rowNs;
        return expectedNs > LONGEST_HERE_NS
          ? await (await elsewhere.get()).infer(inputs, options)
          : await run(inputs, options);
      },
      crashes: () => 0,
      memoryBytes: () => added,
      close: async () => {
        await (await elsewhere.opened())?.close();
        await session.release();
      },
    });
  }

  #pool({ plan, folder }: Found, { trust, workers = 1, memoryBytes }: LoadOptions): RunnerPool {
    const { clock, log, random = Math.random } = this.#options;
    const make =
      trust === 'trusted'
        ? async () => await ThreadRunner.start(plan, this.#memory)
        : async () => {
            const program = programBeside(import.meta.url, './onnx-process');
            const command = [process.execPath, ...ownProgram(program), JSON.stringify(plan)];
            // Where nothing isolates, a process with limits must do: operators are no programs.
            const { boundary } = await this.#isolation.report();
            const { process: started } = await ModelProcess.start({
              isolation: this.#isolation,
              run: {
                workload: 'onnx-model',
                owner: `model:${folder}`,
                command,
                limits: { threads: plan.threads + NODE_THREADS, ...(memoryBytes !== undefined && { memoryBytes }) },
                network: { type: 'none' },
                files: { readable: [...programFolders(), folder], writable: [] },
                isolation: boundary === 'none' ? 'none' : 'required',
              },
              variables: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', TZ: 'UTC' },
              loadMs: LOAD_MS,
              clock,
            });
            return started;
          };
    return new RunnerPool({ size: workers, make, clock, log, random });
  }
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
  /** Of a batch of two rows. */
  readonly runNs: number;
  /** Of each further row. */
  readonly rowNs: number;
}

/**
 * The least of some runs: the first ones make plans and memory and are not compiled yet, and whatever else the machine does only adds. The
 * median of seven runs of a model of 25 µs was more than 100.
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

/** All that can be known without the runtime. @throws DaisError `invalid_request` */
async function find(files: ModelFiles, threads: number): Promise<Found> {
  const place = await findModel(files);
  const file = place.type === 'file' ? place.file : await placeInside(place.root, onnxPath(place));
  if (!file.endsWith('.onnx')) refuse('It is no `.onnx` file.');
  const description = await describeOnnx(file);
  const [foreign] = description.foreignDomains;
  if (foreign !== undefined) refuse(`The model uses operators of \`${foreign}\`, which onnxruntime does not have.`);
  let { size: bytes } = await stat(file);
  for (const location of description.externalData) bytes += await sizeOfData(place.folder, file, location);
  return { folder: place.folder, plan: { file, threads, outputs: description.outputs }, description, bytes };
}

function onnxPath({ description }: ModelPlace & { type: 'mlmodel' }): string {
  const flavors = description['flavors'] as Record<string, Record<string, unknown> | undefined> | undefined;
  const data = flavors?.['onnx']?.['data'];
  if (typeof data !== 'string') refuse('The `MLmodel` has no flavour `onnx`.');
  return data;
}

/** Weights beside the file: relative to it, within the model's folder, no link out of it. */
async function sizeOfData(folder: string, file: string, location: string): Promise<number> {
  const below = path.relative(folder, path.dirname(file));
  // The location itself must not climb, even where that would still end inside of the folder.
  await placeInside(path.dirname(file), location);
  const place = await placeInside(folder, below === '' ? location : `${below}/${location}`);
  const found = await stat(place);
  if (!found.isFile()) refuse(`The external data \`${location}\` is no file.`);
  return found.size;
}

function refuse(detail: string): never {
  throw new DaisError('invalid_request', detail);
}
