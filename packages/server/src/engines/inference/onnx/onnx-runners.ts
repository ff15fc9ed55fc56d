/** Where a session can be: on this thread, on another, in a process. */
import { DaisError } from '@dais/api';
import { WORTH_KEEPING, type BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { programUrl, startThread, type Thread } from '#lib/process.ts';
import { ModelFault, type InferOptions, type Tensor } from '../contract.ts';
import type { Runner, RunnerEnd, RunningBatch } from '../runner.ts';
import { fromPlain, toPlain, type PlainTensor, type SessionPlan } from './onnx-session.ts';

/** From the thread: it is ready, or an answer, or why not. `memory` goes there and back. */
export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly outputs: readonly PlainTensor[]; readonly memory: ArrayBuffer | undefined }
  | { readonly type: 'failed'; readonly detail: string; readonly memory?: ArrayBuffer | undefined };

export interface ToThread {
  readonly inputs: readonly PlainTensor[];
  readonly outputs: readonly string[] | undefined;
  /** What large inputs lie in. */
  readonly memory: ArrayBuffer | undefined;
}

export class ThreadRunner implements Runner {
  readonly #thread: Thread;
  readonly #memory: BufferPool;
  readonly gone: Promise<RunnerEnd>;
  #hear: ((message: FromThread) => void) | undefined;
  #isStopping = false;

  /** @throws DaisError `invalid_request` when the model does not load */
  static async start(plan: SessionPlan, memory: BufferPool): Promise<ThreadRunner> {
    const runner = new ThreadRunner(plan, memory);
    const first = await Promise.race([
      runner.#next(),
      runner.gone.then(({ reason }) => ({ type: 'failed' as const, detail: reason })),
    ]);
    runner.#thread.unref();
    if (first.type !== 'failed') return runner;
    await runner.stop();
    throw new DaisError('invalid_request', first.detail);
  }

  private constructor(plan: SessionPlan, memory: BufferPool) {
    this.#memory = memory;
    this.#thread = startThread(programUrl(import.meta.url, './onnx-thread'), plan);
    this.#thread.on('message', (message: FromThread) => {
      if (message.type !== 'ready' && message.memory !== undefined) this.#memory.give(message.memory);
      this.#hear?.(message);
    });
    let fault = 'the thread ended';
    this.#thread.on('error', (error) => (fault = String(error)));
    this.gone = new Promise((resolve) => {
      this.#thread.once('exit', () => {
        this.#hear?.({ type: 'failed', detail: fault });
        if (!this.#isStopping) resolve({ reason: fault, isOwnFault: true });
      });
    });
  }

  infer(inputs: readonly Tensor[], { outputs, signal }: InferOptions): RunningBatch {
    // First: it may throw, and then nothing is waited for.
    const plain = inputs.map(toPlain);
    // Copied, here or by the message: whoever asks may ask again with the same tensors.
    const message: ToThread = { ...copyLarge(plain, this.#memory), outputs };
    const answer = this.#next();
    this.#thread.postMessage(message, message.memory === undefined ? [] : [message.memory]);
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

/** A message copies twice, into fresh memory each time. What is large is copied once, into memory that is handed over. */
function copyLarge(
  tensors: readonly PlainTensor[],
  kept: BufferPool,
): { readonly inputs: readonly PlainTensor[]; readonly memory: ArrayBuffer | undefined } {
  let bytes = 0;
  for (const { data } of tensors) if (isLarge(data)) bytes += alignedLength(data);
  if (bytes === 0) return { inputs: tensors, memory: undefined };
  const memory = kept.take(bytes);
  let at = 0;
  const inputs = tensors.map((tensor): PlainTensor => {
    const { data } = tensor;
    if (!isLarge(data)) return tensor;
    const Kind = data.constructor as new (memory: ArrayBuffer, at: number, length: number) => Float32Array;
    const copy = new Kind(memory, at, data.length);
    copy.set(data as Float32Array);
    at += alignedLength(data);
    return { ...tensor, data: copy };
  });
  return { inputs, memory };
}

function isLarge(data: PlainTensor['data']): data is Exclude<PlainTensor['data'], readonly string[]> {
  return ArrayBuffer.isView(data) && data.byteLength >= WORTH_KEEPING;
}

/** The next one begins where any of its elements may. */
function alignedLength({ byteLength }: ArrayBufferView): number {
  return Math.ceil(byteLength / 8) * 8;
}

/** What runs natively cannot be stopped; its result is not waited for. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
