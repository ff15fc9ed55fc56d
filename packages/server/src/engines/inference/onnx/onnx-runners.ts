/** Where a session can be: on this thread, on another, in a process. */
import { DaisError } from '@dais/api';
import { startThread, type Thread } from '#lib/process.ts';
import { ModelFault, type InferOptions, type Tensor } from '../contract.ts';
import type { Runner, RunningBatch } from '../runner.ts';
import { fromPlain, toPlain, type PlainTensor, type SessionPlan } from './onnx-session.ts';

/** From the thread: it is ready, or an answer, or why not. */
export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly outputs: readonly PlainTensor[] }
  | { readonly type: 'failed'; readonly detail: string };

export interface ToThread {
  readonly inputs: readonly PlainTensor[];
  readonly outputs: readonly string[] | undefined;
}

export class ThreadRunner implements Runner {
  readonly #thread: Thread;
  readonly gone: Promise<string>;
  #hear: ((message: FromThread) => void) | undefined;
  #isStopping = false;

  /** @throws DaisError `invalid_request` when the model does not load */
  static async start(plan: SessionPlan): Promise<ThreadRunner> {
    const runner = new ThreadRunner(plan);
    const first = await Promise.race([
      runner.#next(),
      runner.gone.then((detail) => ({ type: 'failed' as const, detail })),
    ]);
    runner.#thread.unref();
    if (first.type !== 'failed') return runner;
    await runner.stop();
    throw new DaisError('invalid_request', first.detail);
  }

  private constructor(plan: SessionPlan) {
    const fromSource = import.meta.url.endsWith('.ts');
    this.#thread = startThread(new URL(fromSource ? './onnx-thread.ts' : './onnx-thread.js', import.meta.url), plan);
    this.#thread.on('message', (message: FromThread) => this.#hear?.(message));
    let fault = 'the thread ended';
    this.#thread.on('error', (error) => (fault = String(error)));
    this.gone = new Promise((resolve) => {
      this.#thread.once('exit', () => {
        this.#hear?.({ type: 'failed', detail: fault });
        if (!this.#isStopping) resolve(fault);
      });
    });
  }

  infer(inputs: readonly Tensor[], { outputs, signal }: InferOptions): RunningBatch {
    // First: it may throw, and then nothing is waited for.
    const message: ToThread = { inputs: inputs.map(toPlain), outputs };
    const answer = this.#next();
    // Copied: whoever asks may ask again with the same tensors.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
    this.#thread.postMessage(message);
    const free = answer.then(() => {});
    const mapped = answer.then((told) => {
      if (told.type === 'result') return told.outputs.map(fromPlain);
      throw new ModelFault(told.type === 'failed' ? told.detail : 'The thread began anew.');
    });
    return { outputs: signal === undefined ? mapped : untilAborted(mapped, signal), free };
  }

  /** Counted with the process that it is in. */
  memoryBytes(): number {
    return 0;
  }

  cpuMs(): number {
    return 0;
  }

  isWorn(): boolean {
    return false;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#thread.terminate();
  }

  async #next(): Promise<FromThread> {
    return await new Promise((resolve) => (this.#hear = resolve));
  }
}

/** What runs natively cannot be stopped; its result is not waited for. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
