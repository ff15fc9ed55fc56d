/** A model of another server, as a loaded model: bounded requests to it, and checks of its health. */
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import type { Log } from '#lib/log.ts';
import type { InferOptions, LoadedModel, ModelStats, Tensor, TensorSpec } from '../contract.ts';
import { checkInputs, checkTensor, rowsOf } from '../tensors.ts';
import type { ModelMetadata } from './metadata.ts';
import type { RemoteClient } from './remote-client.ts';

export interface RemoteServedModelOptions {
  readonly client: RemoteClient;
  readonly metadata: ModelMetadata;
  readonly isBinary: boolean;
  readonly concurrency: number;
  /** Time limit of one request. */
  readonly inferMs: number;
  /** For the log. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

const CHECK_EACH_MS = 2000;
/** A single failed check can be a lost packet. */
const FAILED_CHECKS = 2;
/** The server can replace the model: its metadata are read again once a minute. */
const CHECKS_PER_METADATA = 30;
/** Requests that wait for others to the server. */
const MOST_WAITING = 1000;

export class RemoteServedModel implements LoadedModel {
  readonly engine = 'remote';
  // Batches of the server: whether rows of different requests may share one is not known here.
  readonly batchable = false;
  readonly concurrency: number;
  readonly #options: RemoteServedModelOptions;
  readonly #slots: Semaphore;
  #metadata: ModelMetadata;
  #unavailable: string | undefined;
  #failedChecks = 0;
  #checks = 0;
  #cancelCheck: () => void = () => {};
  #checking: Promise<void> = Promise.resolve();
  #requests = 0;
  #whenQuiet: (() => void) | undefined;
  #isClosed = false;
  #runs = 0;
  #rows = 0;
  #nanoseconds = 0n;

  constructor(options: RemoteServedModelOptions) {
    this.#options = options;
    this.concurrency = options.concurrency;
    this.#slots = new Semaphore(options.concurrency);
    this.#metadata = options.metadata;
    this.#scheduleCheck();
  }

  get platform(): string {
    return this.#metadata.platform;
  }

  get inputs(): readonly TensorSpec[] {
    return this.#metadata.inputs;
  }

  get outputs(): readonly TensorSpec[] {
    return this.#metadata.outputs;
  }

  get unavailable(): string | undefined {
    return this.#unavailable;
  }

  /** The server has its own instances. */
  async scale(): Promise<void> {}

  async infer(inputs: readonly Tensor[], options: InferOptions = {}): Promise<readonly Tensor[]> {
    if (this.inputs.length > 0) checkInputs(inputs, this.inputs);
    else for (const tensor of inputs) checkTensor(tensor);
    const outputs = this.#outputsOf(options.outputs);
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#isClosed) throw new DaisError('model_unavailable', 'The model is unloaded.');
    if (this.#unavailable !== undefined)
      throw new DaisError('model_unavailable', this.#unavailable, { retryAfter: CHECK_EACH_MS / 1000 });
    if (this.#requests >= this.concurrency + MOST_WAITING) {
      throw new DaisError('overloaded', `${MOST_WAITING} requests wait for the model server.`, { retryAfter: 1 });
    }
    const { client, isBinary, inferMs } = this.#options;
    const mustWait = this.#requests >= this.concurrency;
    this.#requests += 1;
    try {
      return await this.#slots.run(async () => {
        if (mustWait) options.onStart?.();
        const startedAt = process.hrtime.bigint();
        try {
          return await client.infer(
            inputs,
            { ...options, ...(outputs !== undefined && { outputs }) },
            { isBinary, timeoutMs: inferMs },
          );
        } finally {
          this.#nanoseconds += process.hrtime.bigint() - startedAt;
          this.#runs += 1;
          this.#rows += rowsOf(inputs);
        }
      }, signal);
    } finally {
      this.#requests -= 1;
      if (this.#requests === 0) this.#whenQuiet?.();
    }
  }

  stats(): ModelStats {
    return {
      runs: this.#runs,
      rows: this.#rows,
      runNanoseconds: this.#nanoseconds,
      crashes: 0,
      memoryBytes: 0,
      cpuMs: 0,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelCheck();
    if (this.#requests > 0) await new Promise<void>((resolve) => (this.#whenQuiet = resolve));
    await this.#options.client.close();
    await this.#checking;
  }

  /** Without a request for certain outputs, those that the model declares, in their order. */
  #outputsOf(requested: readonly string[] | undefined): readonly string[] | undefined {
    const declared = this.outputs.map(({ name }) => name);
    if (requested === undefined || requested.length === 0) return declared.length === 0 ? undefined : declared;
    const unknown = declared.length === 0 ? undefined : requested.find((name) => !declared.includes(name));
    if (unknown === undefined) return requested;
    const detail = `The model has no output \`${unknown}\`; it has ${declared.map((name) => `\`${name}\``).join(', ')}.`;
    throw new DaisError('invalid_request', detail, { issues: [{ path: 'outputs', message: detail }] });
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#options.clock.after(CHECK_EACH_MS, () => {
      this.#checking = this.#check().finally(() => {
        if (!this.#isClosed) this.#scheduleCheck();
      });
    });
  }

  async #check(): Promise<void> {
    const { client, log, name } = this.#options;
    this.#checks += 1;
    try {
      await client.requireModelReady();
      const wasAway = this.#unavailable !== undefined;
      if (wasAway || this.#checks % CHECKS_PER_METADATA === 0) this.#metadata = await client.metadata();
      this.#failedChecks = 0;
      this.#unavailable = undefined;
      if (wasAway) log.info('the model server is ready again', { model: name });
    } catch (error) {
      this.#failedChecks += 1;
      if (this.#isClosed || this.#failedChecks < FAILED_CHECKS) return;
      if (this.#unavailable === undefined) log.warn('the model server is not ready', { model: name, error });
      this.#unavailable = error instanceof Error ? error.message : String(error);
    }
  }
}
