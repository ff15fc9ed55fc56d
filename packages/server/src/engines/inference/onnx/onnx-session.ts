/** One session of onnxruntime on this thread. `run` blocks the thread as long as the model computes (onnxruntime #19611). */
import { isUtf8 } from 'node:buffer';
import type * as Runtime from 'onnxruntime-node';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { DaisError } from '@dais/api/errors';
import { ModelError, type Datatype, type Tensor, type TensorData, type TensorSpec } from '../contract.ts';
import { rejectInput } from '../tensors.ts';
import { disableTelemetry } from './no-telemetry.ts';

/** A tensor in the format of the runtime; also the format for threads, which do not receive a Buffer unchanged. */
export interface PlainTensor {
  readonly name: string;
  readonly type: OrtTensor.Type;
  readonly dims: readonly number[];
  readonly data: Exclude<TensorData, readonly Buffer[]> | readonly string[];
}

export interface SessionPlan {
  readonly file: string;
  readonly threads: number;
  readonly outputs: readonly TensorSpec[];
}

const TYPES: Readonly<Record<Exclude<Datatype, 'BF16'>, OrtTensor.Type>> = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BYTES: 'string',
};
const DATATYPES = new Map(Object.entries(TYPES).map(([datatype, type]) => [type, datatype as Datatype]));

const MISSING =
  'ONNX models need the package onnxruntime-node, which is not installed: `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node` in the folder of @dais/server.';

export class OnnxSession {
  readonly #runtime: typeof Runtime;
  readonly #session: InferenceSession;
  readonly #outputs: readonly string[];

  /** @throws DaisError `invalid_request` with the message of the runtime */
  static async open({ file, threads, outputs }: SessionPlan): Promise<OnnxSession> {
    disableTelemetry();
    const runtime = await loadRuntime();
    try {
      const session = await runtime.InferenceSession.create(file, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        // Errors only: warnings are about exported graphs, which the operator cannot change.
        logSeverityLevel: 3,
      });
      return new OnnxSession(
        runtime,
        session,
        outputs.map(({ name }) => name),
      );
    } catch (error) {
      throw new DaisError('invalid_request', `onnxruntime cannot load the model: ${(error as Error).message}`);
    }
  }

  private constructor(runtime: typeof Runtime, session: InferenceSession, outputs: readonly string[]) {
    this.#runtime = runtime;
    this.#session = session;
    this.#outputs = outputs;
  }

  async run(inputs: readonly PlainTensor[], requested: readonly string[] | undefined): Promise<PlainTensor[]> {
    const names = requested ?? this.#outputs;
    try {
      const feeds: Record<string, OrtTensor> = {};
      for (const { name, type, dims, data } of inputs) {
        feeds[name] = new this.#runtime.Tensor(type, data, dims);
      }
      const results = await this.#session.run(feeds, [...names]);
      return names.map((name) => {
        const { type, dims, data } = results[name] as OrtTensor;
        return { name, type, dims, data: type === 'float16' ? bitsOf(data as Uint16Array) : (data as Float32Array) };
      });
    } catch (error) {
      throw new ModelError(`The model rejected the batch: ${(error as Error).message}`);
    }
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/**
 * Loads the runtime. Its binding reads the size of a `Float16Array`, which exists from Node 24 on, as 0 bytes
 * (microsoft/onnxruntime#32323). The first tensor of a process determines the array type for FP16, so the first tensor is
 * created while the global is absent.
 */
async function loadRuntime(): Promise<typeof Runtime> {
  const runtime = await import('onnxruntime-node').catch((error: unknown) => {
    // Optional: its script downloads the GPU runtime, and if that fails, npm omits the package.
    throw new DaisError('model_unavailable', MISSING, { cause: error });
  });
  const halves = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  if (halves !== undefined) {
    Reflect.deleteProperty(globalThis, 'Float16Array');
    // Synchronous, so that no other code sees the global missing.
    void new runtime.Tensor('bool', Uint8Array.of(0), [1]);
    Object.defineProperty(globalThis, 'Float16Array', halves);
  }
  return runtime;
}

/** Returns the bits of FP16 values, also where the runtime returns a `Float16Array`. */
function bitsOf(data: Uint16Array): Uint16Array {
  return new Uint16Array(data.buffer, data.byteOffset, data.length);
}

export function toPlain({ name, datatype, shape, data }: Tensor): PlainTensor {
  const type = TYPES[datatype as Exclude<Datatype, 'BF16'>];
  if (datatype !== 'BYTES') return { name, type, dims: shape, data: data as Float32Array };
  const texts = (data as readonly Buffer[]).map((value, index) => {
    if (!isUtf8(value)) rejectInput(name, `its element ${index} is not UTF-8, and the model expects text.`);
    // The runtime's binding would truncate the text there without an error.
    if (value.includes(0))
      rejectInput(name, `its element ${index} contains a zero byte, which the runtime does not support.`);
    return value.toString('utf8');
  });
  return { name, type, dims: shape, data: texts };
}

export function fromPlain({ name, type, dims, data }: PlainTensor): Tensor {
  const datatype = DATATYPES.get(type) ?? 'BYTES';
  if (datatype !== 'BYTES') return { name, datatype, shape: dims, data: data as Float32Array };
  return { name, datatype, shape: dims, data: (data as readonly string[]).map((text) => Buffer.from(text, 'utf8')) };
}
