/** Runners of a session: on this thread, on another thread, in a process. */
import { DaisError } from '@dais/api';
import { WORTH_KEEPING, type BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { programUrl, startThread, type Thread } from '#lib/process.ts';
import { ModelError, type InferOptions, type Tensor } from '../contract.ts';
import type { Runner, RunnerEnd, RunningBatch } from '../runner.ts';
import { fromPlain, toPlain, type PlainTensor, type SessionPlan } from './onnx-session.ts';

/** From the thread: ready, a result, or an error. `memory` is transferred there and back. */
export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly outputs: readonly PlainTensor[]; readonly memory: ArrayBuffer | undefined }
  | { readonly type: 'failed'; readonly detail: string; readonly memory?: ArrayBuffer | undefined };

export interface ToThread {
  readonly inputs: readonly PlainTensor[];
  readonly outputs: readonly string[] | undefined;
  /** Memory with large inputs. */
  readonly memory: ArrayBuffer | undefined;
}

export class ThreadRunner implements Runner {
  readonly #thread: Thread;
  readonly #memory: BufferPool;
  readonly gone: Promise<RunnerEnd>;
  #onMessage: ((message: FromThread) => void) | undefined;
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
      this.#onMessage?.(message);
    });
    let problem = 'the thread ended';
    this.#thread.on('error', (error) => (problem = String(error)));
    this.gone = new Promise((resolve) => {
      this.#thread.once('exit', () => {
        this.#onMessage?.({ type: 'failed', detail: problem });
        if (!this.#isStopping) resolve({ reason: problem, isOwnError: true });
      });
    });
  }

  infer(inputs: readonly Tensor[], { outputs, signal }: InferOptions): RunningBatch {
    // First, because it may throw before anything waits.
    const plain = inputs.map(toPlain);
    // Copied here or by the message: the caller may reuse the tensors.
    const message: ToThread = { ...copyLarge(plain, this.#memory), outputs };
    const answer = this.#next();
    this.#thread.postMessage(message, message.memory === undefined ? [] : [message.memory]);
    const free = answer.then(() => {});
    const mapped = answer.then((response) => {
      if (response.type === 'result') return response.outputs.map(fromPlain);
      throw new ModelError(response.type === 'failed' ? response.detail : 'The thread restarted.');
    });
    return { outputs: signal === undefined ? mapped : untilAborted(mapped, signal), free };
  }

  /** Counted as memory of its process. */
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
    return await new Promise((resolve) => (this.#onMessage = resolve));
  }
}

/** A message copies twice, into new memory each time. Large data is copied once, into memory that is transferred. */
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

/** Aligned for elements of any type. */
function alignedLength({ byteLength }: ArrayBufferView): number {
  return Math.ceil(byteLength / 8) * 8;
}

/** Native code cannot be interrupted; its result is discarded. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
