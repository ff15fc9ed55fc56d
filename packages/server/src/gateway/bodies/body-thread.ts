/**
 * Parses bodies on a thread if they would block the event loop. The thread keeps a parsed body until the model, and so
 * the types of its tensors, is known. It returns only typed arrays.
 */
import { DaisError } from '@dais/api/errors';
import { startThread, type Thread } from '#lib/process.ts';
import type { ServedDescription } from '../serving-protocol.ts';
import { unpackTensors, type PackedTensor } from './packed-tensors.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** Shorter bodies are parsed in place, because the transfer to the thread costs more. */
export const LONG_BODY = 1024 * 1024;
/** Limits of the bodies in the thread. A body above the byte limit is accepted when no other body is in the thread. */
const MOST_BODIES = 64;
const MOST_BYTES = 256 * 1024 * 1024;
/** Heap limit of the thread: parsed JSON needs several times its size. */
const HEAP_MIB = 1536;

export type ToBodyThread =
  | { readonly id: number; readonly type: 'open'; readonly body: Uint8Array; readonly how: unknown }
  | { readonly id: number; readonly type: 'decode'; readonly described: ServedDescription }
  | { readonly id: number; readonly type: 'close' };

export type FromBodyThread =
  | { readonly id: number; readonly type: 'opened'; readonly meta: unknown }
  | { readonly id: number; readonly type: 'decoded'; readonly tensors: readonly PackedTensor[] }
  | {
      readonly id: number;
      readonly type: 'failed';
      readonly error: { readonly code: string; readonly detail: string };
    };

/** A body that the thread has parsed. */
export interface ReadBody<Result> {
  readonly meta: Result;
  readonly decode: (described: ServedDescription) => Promise<Tensor[]>;
  /** Releases the body in the thread. */
  readonly close: () => void;
}

interface Waiting {
  readonly resolve: (message: FromBodyThread) => void;
  readonly reject: (error: DaisError) => void;
}

export class BodyThread<Result> {
  readonly #program: URL;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Thread | undefined;
  #last = 0;
  #bodies = 0;
  #bytes = 0;

  constructor(program: URL) {
    this.#program = program;
  }

  /**
   * Transfers the bytes to the thread. Throws the errors of parsing, `overloaded` when too many bodies wait, and
   * `too_large` when the memory limit is reached.
   */
  async open(body: Buffer, how: unknown): Promise<ReadBody<Result>> {
    const { length } = body;
    if (this.#bodies > 0 && (this.#bodies >= MOST_BODIES || this.#bytes + length > MOST_BYTES)) {
      throw new DaisError(
        'overloaded',
        `${this.#bodies} large request bodies are being parsed, which is the limit. Retry later.`,
      );
    }
    this.#bodies++;
    this.#bytes += length;
    const id = ++this.#last;
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      this.#bodies--;
      this.#bytes -= length;
      this.#send({ id, type: 'close' }, []);
    };
    try {
      // A view of shared memory cannot be transferred; a large body has its own memory.
      const isAlone = length > LONG_BODY || length === body.buffer.byteLength;
      const whole = isAlone ? body : Buffer.from(new Uint8Array(body).buffer);
      const answer = await this.#request({ id, type: 'open', body: whole, how }, [whole.buffer as ArrayBuffer]);
      const meta = (answer as FromBodyThread & { type: 'opened' }).meta as Result;
      return {
        meta,
        decode: async (described) => {
          const { endpoint, version, platform, inputs, outputs, signature, enforce } = described;
          const plain = { endpoint, version, platform, inputs, outputs, signature, enforce };
          const decoded = await this.#request({ id, type: 'decode', described: plain }, []);
          return await unpackTensors((decoded as FromBodyThread & { type: 'decoded' }).tensors);
        },
        close,
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  async #request(message: ToBodyThread, moved: readonly ArrayBuffer[]): Promise<FromBodyThread> {
    return await new Promise<FromBodyThread>((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#thread ??= this.#start();
      this.#send(message, moved);
    });
  }

  #send(message: ToBodyThread, moved: readonly ArrayBuffer[]): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
    this.#thread?.postMessage(message, [...moved]);
  }

  #start(): Thread {
    const thread = startThread(this.#program, undefined, { heapMib: HEAP_MIB });
    // A waiting caller has a connection that keeps the process alive.
    thread.unref();
    let failure: unknown;
    thread.on('error', (error) => (failure = error));
    thread.on('message', (message: FromBodyThread) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type !== 'failed') waiting?.resolve(message);
      else waiting?.reject(new DaisError(message.error.code as DaisError['code'], message.error.detail));
    });
    thread.once('exit', () => {
      this.#thread = undefined;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      const isMemory = (failure as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const error = isMemory
        ? new DaisError(
            'too_large',
            'Parsing the body exceeds the memory limit. Split the request, or send the tensors in binary.',
          )
        : new DaisError('internal', 'The thread that parses large bodies exited.', { cause: failure });
      for (const { reject } of lost) reject(error);
    });
    return thread;
  }
}
