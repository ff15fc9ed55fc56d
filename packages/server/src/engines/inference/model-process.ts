/**
 * A process that holds one model and answers batches over a pair of connected sockets, which it has as descriptor 3: there is no
 * path that another program could reach. It ends when the socket does, that is, with Dais.
 */
import type { Duplex } from 'node:stream';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { treeCpuMs } from '#lib/process-tree.ts';
import { start, type ChildProcess } from '#lib/process.ts';
import { ModelFault, ProcessEnded, type InferOptions, type Tensor } from './contract.ts';
import { FRAME, onFrames, sendFrame, type Frame } from './frames.ts';
import { treeMemory } from './process-memory.ts';
import type { Runner, RunningBatch } from './runner.ts';

export interface ModelProcessParts {
  readonly program: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Sent at descriptor 4 before the program begins, for whoever asks for it (`bwrap --seccomp`). */
  readonly atFour?: Buffer;
  /** Until it says that the model is loaded. */
  readonly loadMs: number;
  readonly memoryBytes?: number;
  /** Another should take its place after so many batches. */
  readonly mostBatches?: number;
  readonly clock: Clock;
  readonly onLine?: (line: string) => void;
}

/** Between giving up a batch and the end of a process that still works on it. */
const GRACE_MS = 1000;
const LOOK_MS = 250;
const PING_MS = 10_000;
/** Of what it wrote to standard output and error. */
const KEPT_LOG = 16_384;
/** Worn when it has so much of what it may have. */
const WORN_SHARE = 0.8;

interface Running {
  readonly id: number;
  readonly resolve: (outputs: readonly Tensor[]) => void;
  readonly reject: (error: unknown) => void;
  readonly free: () => void;
}

export class ModelProcess implements Runner {
  readonly #parts: ModelProcessParts;
  readonly #child: ChildProcess;
  readonly #socket: Duplex;
  readonly gone: Promise<string>;
  #running: Running | undefined;
  #ids = 0;
  #batches = 0;
  #memory = 0;
  #cpuMs = 0;
  #said = '';
  #isStopping = false;
  /** Why it was ended by us. */
  #killedFor: string | undefined;
  #ended = false;
  /** Whoever waits for its end; it may have come before. */
  #whenOver: (() => void)[] = [];
  #awaited: ((frame: Frame) => void) | undefined;
  #cancelPing: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;

  /** The process and what it told of itself. @throws DaisError `invalid_request` with its log when the model does not load. */
  static async start(parts: ModelProcessParts): Promise<{ process: ModelProcess; hello: Frame['header'] }> {
    const started = new ModelProcess(parts);
    let cancel = () => {};
    try {
      const first = await Promise.race([
        new Promise<Frame>((resolve) => (started.#awaited = resolve)),
        started.gone.then((why) => new ProcessEnded(`The model could not be loaded: ${why}`)),
        new Promise<DaisError>((resolve) => {
          cancel = parts.clock.after(parts.loadMs, () => {
            const seconds = Math.round(parts.loadMs / 1000);
            resolve(
              new ProcessEnded(`The model was not loaded within its time limit of ${seconds} s.${started.#told()}`),
            );
          });
        }),
      ]);
      if (first instanceof DaisError) throw first;
      if (first.kind !== FRAME.ready) {
        // What it wrote before may still be on its way.
        await started.stop();
        throw new DaisError('invalid_request', `The model could not be loaded: ${textOf(first)}${started.#told()}`);
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

  private constructor(parts: ModelProcessParts) {
    this.#parts = parts;
    this.#child = start(parts.program, parts.args, {
      env: parts.variables,
      // A group of its own: what it started ends with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(parts.atFour === undefined ? [] : ['pipe' as const])],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        const text = chunk.toString('utf8');
        this.#said = (this.#said + text).slice(-KEPT_LOG);
        parts.onLine?.(text);
      });
    }
    const four = this.#child.stdio[4] as Duplex | null | undefined;
    four?.on('error', () => {});
    four?.end(parts.atFour);
    this.#socket = this.#child.stdio[3] as Duplex;
    // That nobody is at the other end any more is told by the end of the process.
    this.#socket.on('error', (error) => {
      if (error instanceof RangeError) this.#kill(`it sent what is no frame (${error.message})`);
    });
    onFrames(this.#socket, (frame) => this.#hear(frame));
    this.gone = new Promise((resolve) => {
      const end = (how: string) => {
        if (this.#ended) return;
        this.#ended = true;
        for (const tell of this.#whenOver) tell();
        this.#cancelPing?.();
        this.#cancelLook?.();
        const why = this.#killedFor ?? how;
        // Before its batch is free: the pool must not give a dead process to who waits.
        if (!this.#isStopping) resolve(`${why}.${this.#told()}`);
        const running = this.#running;
        this.#running = undefined;
        running?.reject(new DaisError('model_unavailable', `The model's process ended: ${why}.`, { retryAfter: 1 }));
        running?.free();
      };
      this.#child.once('error', (error) => end(error.message));
      const tell = (code: number | null, signal: string | null) =>
        end(signal === null ? `exit code ${code}` : `signal ${signal}`);
      this.#child.once('close', tell);
      // What it started may hold its output open.
      this.#child.once('exit', (code, signal) => {
        this.#killGroup();
        parts.clock.after(GRACE_MS, () => tell(code, signal));
      });
    });
    this.#child.unref();
    (this.#socket as Duplex & { unref?: () => void }).unref?.();
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
        cancelKill = this.#parts.clock.after(GRACE_MS, () =>
          this.#kill('it did not end a batch that nobody waits for any more'),
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
    return this.#ended ? 0 : (this.#memory = treeMemory(this.#child.pid ?? 0));
  }

  cpuMs(): number {
    if (!this.#ended) this.#cpuMs = Math.max(this.#cpuMs, treeCpuMs(this.#child.pid ?? 0) ?? 0);
    return this.#cpuMs;
  }

  isWorn(): boolean {
    const { mostBatches = Infinity, memoryBytes = Infinity } = this.#parts;
    return this.#batches >= mostBatches || this.#memory > memoryBytes * WORN_SHARE;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#ended) return;
    const over = new Promise<void>((resolve) => this.#whenOver.push(resolve));
    // While somebody waits for its end, it holds our process again.
    this.#child.ref();
    this.#killGroup();
    await over;
  }

  #send(frame: Parameters<typeof sendFrame>[1]): void {
    if (!this.#ended && !this.#socket.destroyed) sendFrame(this.#socket, frame);
  }

  #hear(frame: Frame): void {
    const running = this.#running;
    if (running?.id === frame.id && frame.kind !== FRAME.ping) {
      this.#running = undefined;
      if (frame.kind === FRAME.result) running.resolve(frame.tensors);
      else running.reject(new ModelFault(textOf(frame)));
      running.free();
      return;
    }
    this.#awaited?.(frame);
  }

  #watch(): void {
    this.#schedulePing();
    const { memoryBytes, clock } = this.#parts;
    if (memoryBytes === undefined) return;
    const look = () => {
      this.#memory = treeMemory(this.#child.pid ?? 0);
      const mebibytes = Math.round(memoryBytes / 2 ** 20);
      if (this.#memory > memoryBytes) this.#kill(`it had more than the ${mebibytes} MiB of memory that it may have`);
      else this.#cancelLook = clock.after(LOOK_MS, look);
    };
    look();
  }

  #schedulePing(): void {
    if (this.#ended) return;
    const { clock } = this.#parts;
    this.#cancelPing = clock.after(PING_MS, () => {
      const id = ++this.#ids;
      this.#cancelPing = clock.after(PING_MS, () =>
        this.#kill('it did not answer for 10 s while it had nothing to do'),
      );
      this.#awaited = (frame) => {
        // A batch that has begun meanwhile is no idle time, however long it takes: its end asks again.
        if (frame.id !== id || this.#running !== undefined) return;
        this.#cancelPing?.();
        this.#schedulePing();
      };
      this.#send({ id, kind: FRAME.ping });
    });
  }

  #kill(why: string): void {
    if (this.#ended) return;
    this.#killedFor ??= why;
    this.#killGroup();
  }

  #killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // All of it is gone.
    }
  }

  #told(): string {
    const said = this.#said.trim();
    return said === '' ? '' : `\nIts log ends with:\n${said}`;
  }
}

function textOf({ header }: Frame): string {
  return typeof header['message'] === 'string' ? header['message'] : 'it gave no reason';
}
