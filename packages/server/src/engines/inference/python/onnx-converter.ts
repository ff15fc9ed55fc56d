/**
 * Converts a Python model to ONNX, in a process with the Python that the model requires. It is isolated like serving processes,
 * because loading the model runs code of its author.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaisError } from '@dais/api';
import { isolationRefusal, type Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Tensor } from '../contract.ts';
import { ModelProcess } from '../model-process.ts';
import type { ConversionPlan, PredictFunction } from './conversion-plan.ts';
import { interpreterFolders, pythonVariables } from './python-process.ts';

interface ConversionRequest {
  readonly folder: string;
  readonly environment: string;
  readonly trust: 'trusted' | 'untrusted';
  readonly plan: ConversionPlan;
  readonly predictFn: PredictFunction;
  readonly opset: number;
  readonly signal: AbortSignal;
}

/** Rows that the original model accepted, with its predictions. */
interface CheckRows {
  readonly expected: Tensor;
  /** The cells of each column; for a tensor, its rows. Missing values are null. */
  readonly columns: readonly (readonly [string, readonly unknown[]])[];
  /** Number of rows from the input example, which come first. */
  readonly examples: number;
  /** Conversion attempts, the most likely first. */
  readonly attempts: readonly string[];
}

interface ConvertedModel {
  readonly onnx: Buffer;
  readonly opset: number;
  readonly estimators: readonly string[];
}

interface Conversion {
  rows(): Promise<CheckRows>;
  /** @throws DaisError `invalid_request` with the message of the converter. */
  convert(attempt: string): Promise<ConvertedModel>;
  close(): Promise<void>;
}

const LOAD_MS = 300_000;
/** The same relative path in sources and in the build. */
const PYTHON = fileURLToPath(new URL('../../../../python', import.meta.url));
const SEED = 20_261_127;

interface ConverterDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
}

export class OnnxConverter {
  readonly #dependencies: ConverterDependencies;
  readonly #isolation: Isolation;

  constructor(dependencies: ConverterDependencies) {
    this.#dependencies = dependencies;
    this.#isolation = dependencies.isolation ?? sharedIsolation();
  }

  /** @throws DaisError `invalid_request` for a model that does not load. */
  async open({ folder, environment, trust, plan, predictFn, opset, signal }: ConversionRequest): Promise<Conversion> {
    const report = await this.#isolation.report();
    if (report.boundary === 'none' && trust === 'untrusted') {
      throw new DaisError('invalid_request', isolationRefusal('An untrusted model', report));
    }
    const python = path.join(environment, 'bin', 'python');
    const argument = JSON.stringify({ ...plan, model: folder, predictFn, opset, seed: SEED });
    const program = [python, '-I', '-u', '-B', path.join(PYTHON, 'dais_worker', 'converter'), argument];
    const readable = [...(await interpreterFolders(environment)), PYTHON, folder];
    const { clock, log } = this.#dependencies;
    const { process: started } = await ModelProcess.start({
      isolation: this.#isolation,
      run: {
        workload: 'conversion',
        owner: `model:${folder}`,
        command: program,
        limits: {},
        network: { type: 'none' },
        files: { readable, writable: [] },
        isolation: report.boundary === 'none' ? 'none' : 'required',
      },
      variables: pythonVariables(path.dirname(python), 1),
      loadMs: LOAD_MS,
      clock,
      onLine: (text) => log.debug('output of a model converter', { text }),
    });
    const ask = async (parameters: Readonly<Record<string, string>>) =>
      await started.infer([], { parameters, signal }).outputs;
    return {
      rows: async () => {
        const tensors = await ask({});
        const about = JSON.parse(textOf(tensors, 'rows')) as Omit<CheckRows, 'expected'>;
        const [expected, ...others] = tensors.filter(({ name }) => name !== 'rows');
        if (expected === undefined || others.length > 0)
          throw new Error('a converter returned more than one prediction');
        return { ...about, expected };
      },
      convert: async (attempt) => {
        const tensors = await ask({ attempt });
        const about = JSON.parse(textOf(tensors, 'report')) as Omit<ConvertedModel, 'onnx'>;
        return { ...about, onnx: bytesOf(tensors, 'model') };
      },
      close: async () => await started.stop(),
    };
  }
}

function bytesOf(tensors: readonly Tensor[], name: string): Buffer {
  const data = tensors.find((tensor) => tensor.name === name)?.data[0];
  if (!Buffer.isBuffer(data)) throw new Error(`a converter returned no ${name}`);
  return data;
}

function textOf(tensors: readonly Tensor[], name: string): string {
  return bytesOf(tensors, name).toString('utf8');
}
