/**
 * A process that runs one model and serves batches over a pair of connected sockets on descriptor 3, which no other program can
 * reach. The isolation engine starts it, enforces its limits and reports why it ended.
 */
import type { Duplex } from 'node:stream';
import { DaisError } from '@dais/api';
import type { IsolatedEnd, IsolatedProcess, IsolatedRun, Isolation } from '#engines/isolation/contract.ts';
import type { Clock } from '#lib/clock.ts';
import { ModelError, ProcessEnded, type InferOptions, type Tensor } from './contract.ts';
import { FRAME, onFrames, sendFrame, type Frame } from './frames.ts';
import type { Runner, RunnerEnd, RunningBatch } from './runner.ts';

export interface ModelProcessDependencies {
  readonly isolation: Isolation;
  readonly run: IsolatedRun;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Time limit until the model is loaded. */
  readonly loadMs: number;
  /** The process is replaced after this many batches. */
  readonly mostBatches?: number;
  readonly clock: Clock;
  readonly onLine?: (line: string) => void;
}

/** Time between the abort of a batch and the termination of a process that still computes it. */
const GRACE_MS = 1000;
const PING_MS = 10_000;
/** Interval of memory measurements, to replace it before it reaches its limit. */
const MEASURE_MS = 1000;
/** Size of the kept standard output and error. */
const KEPT_LOG = 16_384;
/** Replaced when it uses this share of its memory limit. */
const WORN_SHARE = 0.8;

interface Running {
  readonly id: number;
  readonly resolve: (outputs: readonly Tensor[]) => void;
  readonly reject: (error: unknown) => void;
  readonly free: () => void;
}

export class ModelProcess implements Runner {
  readonly #dependencies: ModelProcessDependencies;
  readonly #process: IsolatedProcess;
  readonly #socket: Duplex;
  readonly gone: Promise<RunnerEnd>;
  #running: Running | undefined;
  #ids = 0;
  #batches = 0;
  #memory = 0;
  #log: { text: string };
  #isStopping = false;
  #ended = false;
  #awaited: ((frame: Frame) => void) | undefined;
  #cancelPing: (() => void) | undefined;

  /**
   * Starts the process and returns it with its first message. @throws DaisError `invalid_request` with its log when the model
   * does not load.
   */
  static async start(
    dependencies: ModelProcessDependencies,
  ): Promise<{ process: ModelProcess; hello: Frame['header'] }> {
    const log = { text: '' };
    const process = await dependencies.isolation.start(dependencies.run, {
      variables: dependencies.variables,
      hasSocket: true,
      onOutput: (chunk) => {
        const text = chunk.toString('utf8');
        log.text = (log.text + text).slice(-KEPT_LOG);
        dependencies.onLine?.(text);
      },
    });
    const started = new ModelProcess(dependencies, process, log);
    let cancel = () => {};
    try {
      const first = await Promise.race([
        new Promise<Frame>((resolve) => (started.#awaited = resolve)),
        started.gone.then(
          ({ reason, isOwnError }) => new ProcessEnded(`The model could not be loaded: ${reason}`, isOwnError),
        ),
        new Promise<DaisError>((resolve) => {
          cancel = dependencies.clock.after(dependencies.loadMs, () => {
            const seconds = Math.round(dependencies.loadMs / 1000);
            resolve(
              new ProcessEnded(`The model did not load within its time limit of ${seconds} s.${started.#logTail()}`),
            );
          });
        }),
      ]);
      if (first instanceof DaisError) throw first;
      if (first.kind !== FRAME.ready) {
        // Its earlier output may not have arrived yet.
        await started.stop();
        throw new DaisError('invalid_request', `The model could not be loaded: ${textOf(first)}${started.#logTail()}`);
      }
      started.#watch();
      return { process: started, hello: first.header };
    } catch (error) {
      await started.stop();
      throw error;
    } finally {
      cancel();
    }
  }

  private constructor(dependencies: ModelProcessDependencies, process: IsolatedProcess, log: { text: string }) {
    this.#dependencies = dependencies;
    this.#process = process;
    this.#log = log;
    const { socket } = process;
    if (socket === undefined) throw new Error('the model process has no socket');
    this.#socket = socket;
    // The end of the process reports a closed connection.
    this.#socket.on('error', (error) => {
      if (error instanceof RangeError) this.#process.kill(`it sent invalid data (${error.message})`);
    });
    onFrames(this.#socket, (frame) => this.#receive(frame));
    this.gone = new Promise((resolve) => {
      void process.ended.then((end) => {
        this.#ended = true;
        this.#cancelPing?.();
        const why = withAdvice(end);
        // Before its batch is free: the pool must not assign a dead process to a waiting batch.
        if (!this.#isStopping) resolve({ reason: `${why}.${this.#logTail()}`, isOwnError: !isOutside(end) });
        const running = this.#running;
        this.#running = undefined;
        running?.reject(new DaisError('model_unavailable', `${why}.`, { retryAfter: 1 }));
        running?.free();
      });
    });
  }

  infer(inputs: readonly Tensor[], { outputs, parameters, signal }: InferOptions): RunningBatch {
    const id = ++this.#ids;
    this.#batches += 1;
    this.#cancelPing?.();
    let cancelKill = () => {};
    let abort = () => {};
    let free = () => {};
    const isFree = new Promise<void>((resolve) => (free = resolve));
    const answer = new Promise<readonly Tensor[]>((resolve, reject) => {
      this.#running = { id, resolve, reject, free };
      abort = () => {
        reject(signal?.reason as Error);
        cancelKill = this.#dependencies.clock.after(GRACE_MS, () =>
          this.#process.kill('it did not stop a canceled batch'),
        );
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#send({ id, kind: FRAME.infer, header: { outputs, parameters }, tensors: inputs });
    });
    void isFree.then(() => {
      signal?.removeEventListener('abort', abort);
      cancelKill();
      if (this.#running === undefined) this.#schedulePing();
    });
    return { outputs: answer, free: isFree };
  }

  memoryBytes(): number {
    return (this.#memory = this.#process.memoryBytes());
  }

  cpuMs(): number {
    return this.#process.cpuMs();
  }

  isWorn(): boolean {
    const { mostBatches = Infinity, run } = this.#dependencies;
    return this.#batches >= mostBatches || this.#memory > (run.limits.memoryBytes ?? Infinity) * WORN_SHARE;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    // Keeps this process alive while a caller waits for its end.
    this.#process.ref();
    this.#process.kill('it is no longer needed');
    await this.#process.ended;
  }

  #send(frame: Parameters<typeof sendFrame>[1]): void {
    if (!this.#ended && !this.#socket.destroyed) sendFrame(this.#socket, frame);
  }

  #receive(frame: Frame): void {
    const running = this.#running;
    if (running?.id === frame.id && frame.kind !== FRAME.ping) {
      this.#running = undefined;
      if (frame.kind === FRAME.result) running.resolve(frame.tensors);
      else running.reject(new ModelError(textOf(frame)));
      running.free();
      return;
    }
    this.#awaited?.(frame);
  }

  #watch(): void {
    this.#schedulePing();
    if (this.#dependencies.run.limits.memoryBytes === undefined) return;
    const measure = () => {
      if (this.#ended) return;
      this.#memory = this.#process.memoryBytes();
      this.#dependencies.clock.after(MEASURE_MS, measure);
    };
    measure();
  }

  #schedulePing(): void {
    if (this.#ended) return;
    const { clock } = this.#dependencies;
    this.#cancelPing = clock.after(PING_MS, () => {
      const id = ++this.#ids;
      this.#cancelPing = clock.after(PING_MS, () =>
        this.#process.kill('it did not respond for 10 s while it was idle'),
      );
      this.#awaited = (frame) => {
        // A batch that has started since is not idle time, however long it takes: its end schedules a ping.
        if (frame.id !== id || this.#running !== undefined) return;
        this.#cancelPing?.();
        this.#schedulePing();
      };
      this.#send({ id, kind: FRAME.ping });
    });
  }

  #logTail(): string {
    const log = this.#log.text.trim();
    return log === '' ? '' : `\nIts log ends with:\n${log}`;
  }
}

function textOf({ header }: Frame): string {
  return typeof header['message'] === 'string' ? header['message'] : 'it gave no reason';
}

/** Returns whether an external SIGKILL ended it, from an administrator or the OOM killer. */
function isOutside({ cause, signal }: IsolatedEnd): boolean {
  return cause === 'signal' && signal === 'SIGKILL';
}

/** Remedies for the owner of the model. */
const ADVICE: Partial<Record<IsolatedEnd['cause'], string>> = {
  memory: 'Raise `resources.memoryMb` of the endpoint, or use a smaller batch or model',
  processes: 'Start fewer processes and threads',
  disk: 'Write less to the temporary folder',
};

function withAdvice({ cause, reason }: IsolatedEnd): string {
  const advice = ADVICE[cause];
  if (cause === 'killed') return `The model's process was terminated: ${reason}`;
  return advice === undefined ? reason : `${reason}. ${advice}`;
}
