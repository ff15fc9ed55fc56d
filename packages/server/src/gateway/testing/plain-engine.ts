/** An engine for tests of the gateway: the name of the folder determines the behavior of a model. */
import { basename } from 'node:path';
import { DaisError } from '@dais/api';
import {
  ProcessEnded,
  type Datatype,
  type InferenceEngine,
  type LoadedModel,
  type LoadOptions,
  type Tensor,
  type TensorSpec,
} from '#engines/inference/contract.ts';

export interface Run {
  readonly model: string;
  readonly rows: number;
}

export class PlainEngine implements InferenceEngine {
  readonly name = 'plain';
  readonly runs: Run[] = [];
  readonly loads: string[] = [];
  readonly closed: string[] = [];
  /** For `gated` models: runs wait until they are released. */
  readonly waiting: (() => void)[] = [];
  /** Requested numbers of instances, in order. */
  readonly scales: number[] = [];
  /** Loads of these wait until they are released. */
  readonly loading = new Map<string, Promise<void>>();

  async refusal(): Promise<undefined> {}

  async load(
    { folder }: { readonly folder: string },
    { workers = 1, onEnd }: Partial<LoadOptions> = {},
  ): Promise<LoadedModel> {
    const name = basename(folder);
    this.loads.push(name);
    await this.loading.get(name);
    if (name.startsWith('bomb')) throw new ProcessEnded('The model could not be loaded: it exceeded its memory limit.');
    if (name.startsWith('broken')) throw new DaisError('invalid_request', 'The file is not a model.');
    const { inputs, outputs, infer, batchable = true } = this.#behavior(name);
    let size = workers;
    return {
      engine: this.name,
      platform: 'plain_test',
      inputs,
      outputs,
      batchable,
      get concurrency() {
        return size;
      },
      scale: async (target) => {
        this.scales.push(target);
        size = target;
      },
      infer: async (tensors, options) => {
        if (name.startsWith('fragile') && Number(tensors[0]?.data[0]) < 0) {
          const reason = 'signal SIGSEGV.';
          onEnd?.({ reason, hasAnswered: false, isOwnError: true });
          throw new DaisError('model_unavailable', `The model's process ended: ${reason}`, { retryAfter: 1 });
        }
        this.runs.push({ model: name, rows: tensors[0]?.shape[0] ?? 0 });
        const found = await infer(tensors);
        return options?.outputs === undefined ? found : found.filter((one) => options.outputs?.includes(one.name));
      },
      stats: () => ({ runs: this.runs.length, rows: 0, runNanoseconds: 0n, crashes: 0, memoryBytes: 0, cpuMs: 0 }),
      close: async () => void this.closed.push(name),
    };
  }

  #behavior(name: string): {
    readonly inputs: readonly TensorSpec[];
    readonly outputs: readonly TensorSpec[];
    readonly batchable?: boolean;
    readonly infer: (inputs: readonly Tensor[]) => Promise<readonly Tensor[]>;
  } {
    const [, datatype] = /^identity-(\w+)$/.exec(name) ?? [];
    if (datatype !== undefined) {
      const io = (end: string): TensorSpec[] => [{ name: end, datatype: datatype as Datatype, shape: [-1, -1] }];
      return {
        inputs: io('INPUT0'),
        outputs: io('OUTPUT0'),
        infer: async ([input]) => (input === undefined ? [] : [{ ...input, name: 'OUTPUT0' }]),
      };
    }
    return {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
      infer: async ([input]) => {
        if (name.startsWith('gated')) await new Promise<void>((resolve) => this.waiting.push(resolve));
        const data = input?.data as Float32Array;
        if (name.startsWith('picky') && data.some((value) => value < 0)) {
          throw new DaisError('invalid_request', 'The model does not accept values below 0.');
        }
        const rows = data.length / 2;
        const wrong = name.startsWith('forgetful') ? 1 : 0;
        const sums = Float32Array.from(
          { length: Math.max(1, rows - wrong) },
          (_, row) => (data[row * 2] as number) + (data[row * 2 + 1] as number),
        );
        return [{ name: 'y', datatype: 'FP32', shape: [sums.length], data: sums }];
      },
    };
  }
}
