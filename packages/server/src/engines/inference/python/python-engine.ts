/**
 * Serves MLflow models of any flavor, in processes with the Python that the model requires. Python never runs in the caller's
 * process; inputs are checked against the signature here.
 */
import { access, constants, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaisError } from '@dais/api';
import { isolationRefusal, type Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { InferenceEngine, LoadedModel, LoadOptions, ModelFiles, Tensor } from '../contract.ts';
import { findModel, type ModelLocation } from '../model-location.ts';
import { modelLimits, type ModelLimits } from '../model-limits.ts';
import { ModelProcess } from '../model-process.ts';
import { openTestedPool } from '../tested-pool.ts';
import { ServedModel } from '../served-model.ts';
import { enforce } from './enforce.ts';
import { interpreterFolders, pythonVariables } from './python-process.ts';
import { readSignature, type Signature } from './signature.ts';

export interface PythonInferenceOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  readonly random?: () => number;
  /** A process is replaced after this many batches; default: only when it uses 80 % of its memory limit. */
  readonly mostBatches?: number;
}

/** Threads that libraries start. */
const PYTHON_THREADS = 16;
/** The same relative path in sources and in the build. */
const WORKER = fileURLToPath(new URL('../../../../python/dais_worker', import.meta.url));

type MlmodelLocation = ModelLocation & { type: 'mlmodel' };

interface Found {
  readonly location: MlmodelLocation;
  readonly signature: Signature;
}

export class PythonInference implements InferenceEngine {
  readonly name = 'python';
  readonly #options: PythonInferenceOptions;
  readonly #isolation: Isolation;

  constructor(options: PythonInferenceOptions) {
    this.#options = options;
    this.#isolation = options.isolation ?? sharedIsolation();
  }

  async refusal(files: ModelFiles): Promise<string | undefined> {
    try {
      await find(files);
      return undefined;
    } catch (error) {
      if (error instanceof DaisError && error.code === 'invalid_request') return error.message;
      throw error;
    }
  }

  async load(files: ModelFiles, options: LoadOptions): Promise<LoadedModel> {
    const { workers = 1, sample, environment, onPhase = () => {} } = options;
    onPhase('reading the model');
    const { location, signature } = await find(files);
    if (environment === undefined) refuse('The model needs a Python environment. Build its environment first.');
    const python = path.join(environment, 'bin', 'python');
    await access(python, constants.X_OK).catch(() => refuse(`The environment has no Python at ${python}.`));
    const report = await this.#isolation.report();
    // Loading such a model runs code of its author.
    if (report.boundary === 'none' && options.trust === 'untrusted') {
      refuse(isolationRefusal('An untrusted model', report));
    }
    onPhase('loading the model in a process');
    const { clock, log, random = Math.random } = this.#options;
    const limits = modelLimits(options, await sizeOfFiles(location.root));
    const make = async () => await this.#start(python, location, signature, { ...options, ...limits });
    const { inputs, inputSpecs, outputSpecs } = signature;
    const check = (given: readonly Tensor[]) => enforce(given, inputs, inputSpecs);
    const { inferMs } = limits;
    const {
      pool,
      test: { batchable },
    } = await openTestedPool(
      { size: workers, make, inferMs, onEnd: options.onEnd, clock, log, random },
      { inputs: inputSpecs, outputs: outputSpecs, sample, enforce: check, onPhase },
    );
    return new ServedModel({
      engine: 'python',
      platform: platformOf(location),
      inputs: inputSpecs,
      outputs: outputSpecs,
      batchable,
      concurrency: () => pool.size,
      scale: async (size) => await pool.resize(size),
      enforce: check,
      run: async (given, infer) => {
        const known = Object.entries(infer.parameters ?? {}).filter(([name]) => signature.params.includes(name));
        return await pool.infer(given, { ...infer, parameters: Object.fromEntries(known) });
      },
      crashes: () => pool.crashes,
      memoryBytes: () => pool.memoryBytes,
      cpuMs: () => pool.cpuMs,
      close: async () => await pool.close(),
    });
  }

  async #start(
    python: string,
    { root }: MlmodelLocation,
    { inputs, outputSpecs }: Signature,
    { threads = 1, memoryBytes, loadMs, environment = '' }: LoadOptions & ModelLimits,
  ): Promise<ModelProcess> {
    const { clock, log, mostBatches } = this.#options;
    const plan = {
      model: root,
      form: inputs.form,
      named: inputs.form !== 'columns' || inputs.isNamed,
      types: inputs.form === 'columns' ? Object.fromEntries(inputs.columns.map(({ name, kind }) => [name, kind])) : {},
      outputs: outputSpecs.map(({ name }) => name),
    };
    // `-I`: variables, the working folder and packages in a user's home do not affect imports.
    const program = [python, '-I', '-u', '-B', WORKER, JSON.stringify(plan)];
    const { boundary } = await this.#isolation.report();
    const { process: started } = await ModelProcess.start({
      isolation: this.#isolation,
      run: {
        workload: 'python-model',
        owner: `model:${root}`,
        command: program,
        limits: { threads: threads + PYTHON_THREADS, memoryBytes },
        network: { type: 'none' },
        files: { readable: [...(await interpreterFolders(environment)), path.dirname(WORKER), root], writable: [] },
        isolation: boundary === 'none' ? 'none' : 'required',
      },
      variables: pythonVariables(path.dirname(python), threads),
      loadMs,
      clock,
      onLine: (text) => log.debug('output of a model', { text }),
      ...(mostBatches !== undefined && { mostBatches }),
    });
    return started;
  }
}

async function sizeOfFiles(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

function platformOf({ description }: MlmodelLocation): string {
  const flavors = Object.keys(description['flavors'] ?? {});
  return `mlflow_${flavors.find((name) => name !== 'python_function') ?? 'pyfunc'}`;
}

/** Finds the model without Python and without unpickling. @throws DaisError `invalid_request` */
async function find(files: ModelFiles): Promise<Found> {
  const location = await findModel(files);
  if (location.type !== 'mlmodel') refuse('The model is not a folder with a file `MLmodel`.');
  const flavors = location.description['flavors'];
  if (typeof flavors !== 'object' || flavors === null || !('python_function' in flavors)) {
    refuse('The `MLmodel` has no flavor `python_function`. Save the model with a flavor that MLflow can serve.');
  }
  return { location, signature: readSignature(location.description) };
}

function refuse(detail: string): never {
  throw new DaisError('invalid_request', detail);
}
