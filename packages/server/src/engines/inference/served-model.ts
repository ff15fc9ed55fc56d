/** Common behavior of every loaded model: validates inputs and outputs, and counts runs. */
import { DaisError } from '@dais/api';
import type { InferOptions, LoadedModel, ModelStats, Tensor, TensorSpec } from './contract.ts';
import { rowsOf } from './tensors.ts';

export interface ServedModelOptions {
  readonly engine: string;
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly batchable: boolean;
  readonly concurrency: () => number;
  readonly scale: (workers: number) => Promise<void>;
  /** Converts inputs to the format of the model. @throws DaisError `invalid_request` */
  readonly enforce: (inputs: readonly Tensor[]) => readonly Tensor[];
  readonly run: (inputs: readonly Tensor[], options: InferOptions) => Promise<readonly Tensor[]>;
  readonly crashes: () => number;
  readonly memoryBytes: () => number;
  /** Absent: it runs within this process. */
  readonly cpuMs?: () => number;
  readonly close: () => Promise<void>;
}

export class ServedModel implements LoadedModel {
  readonly #options: ServedModelOptions;
  readonly engine: string;
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly batchable: boolean;
  #runs = 0;
  #rows = 0;
  #nanoseconds = 0n;
  #running = 0;
  #whenQuiet: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ServedModelOptions) {
    this.#options = options;
    this.engine = options.engine;
    this.platform = options.platform;
    this.inputs = options.inputs;
    this.outputs = options.outputs;
    this.batchable = options.batchable;
  }

  get concurrency(): number {
    return this.#options.concurrency();
  }

  async scale(workers: number): Promise<void> {
    if (!this.#isClosed) await this.#options.scale(workers);
  }

  async infer(inputs: readonly Tensor[], options: InferOptions = {}): Promise<readonly Tensor[]> {
    const given = this.#options.enforce(inputs);
    this.#checkOutputs(options.outputs);
    options.signal?.throwIfAborted();
    const outputs = await this.#run(given, options);
    const rows = rowsOf(given);
    const odd = this.batchable ? outputs.find(({ shape }) => shape[0] !== rows) : undefined;
    if (odd !== undefined) {
      const count = `${odd.shape[0] ?? 'no'} rows of \`${odd.name}\` for ${rows} rows of input`;
      throw new DaisError(
        'invalid_request',
        `The model returned ${count}. A model with batching must return one row for each input row.`,
      );
    }
    return outputs;
  }

  stats(): ModelStats {
    return {
      runs: this.#runs,
      rows: this.#rows,
      runNanoseconds: this.#nanoseconds,
      crashes: this.#options.crashes(),
      memoryBytes: this.#options.memoryBytes(),
      cpuMs: this.#options.cpuMs?.() ?? 0,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenQuiet = resolve));
    await this.#options.close();
  }

  async #run(inputs: readonly Tensor[], options: InferOptions): Promise<readonly Tensor[]> {
    if (this.#isClosed) throw new DaisError('model_unavailable', 'The model is unloaded.');
    const requested = options.outputs?.length === 0 ? { ...options, outputs: this.#names() } : options;
    const began = process.hrtime.bigint();
    this.#running += 1;
    try {
      return await this.#options.run(inputs, requested);
    } finally {
      this.#nanoseconds += process.hrtime.bigint() - began;
      this.#runs += 1;
      this.#rows += rowsOf(inputs);
      this.#running -= 1;
      if (this.#running === 0) this.#whenQuiet?.();
    }
  }

  #names(): string[] {
    return this.outputs.map(({ name }) => name);
  }

  #checkOutputs(requested: readonly string[] | undefined): void {
    // A model without a signature does not declare its outputs.
    if (requested === undefined || this.outputs.length === 0) return;
    const unknown = requested.find((name) => !this.outputs.some((output) => output.name === name));
    if (unknown === undefined) return;
    const detail = `The model has no output \`${unknown}\`; it has ${this.#names()
      .map((name) => `\`${name}\``)
      .join(', ')}.`;
    throw new DaisError('invalid_request', detail, { issues: [{ path: 'outputs', message: detail }] });
  }
}
