/**
 * Bodies that would hold the event loop for long are read on a thread: all else that the gateway does goes on meanwhile. The
 * thread keeps what it read until the model is known whose types the tensors have; only typed arrays come back.
 */
import { DaisError } from '@dais/api/errors';
import { startThread, type Thread } from '#lib/process.ts';
import type { ServedDescription } from './serving-door.ts';
import { unpackTensors, type PackedTensor } from './packed-tensors.ts';
import type { Tensor } from './tensors.ts';

/** A body that is shorter is read where it came: the way to the thread and back costs more. */
export const LONG_BODY = 1024 * 1024;
/** Bodies that the thread has, and their bytes. One that is larger than all of it is let in when it is alone. */
const MOST_BODIES = 64;
const MOST_BYTES = 256 * 1024 * 1024;
/** Of the thread's own heap: JSON takes several times its length there. */
const HEAP_MIB = 1536;

export type ToBodyThread =
  | { readonly id: number; readonly type: 'open'; readonly body: Uint8Array; readonly how: unknown }
  | { readonly id: number; readonly type: 'decode'; readonly described: ServedDescription }
  | { readonly id: number; readonly type: 'close' };

export type FromBodyThread =
  | { readonly id: number; readonly type: 'opened'; readonly told: unknown }
  | { readonly id: number; readonly type: 'decoded'; readonly tensors: readonly PackedTensor[] }
  | {
      readonly id: number;
      readonly type: 'failed';
      readonly fault: { readonly code: string; readonly detail: string };
    };

/** A body that the thread has read. */
export interface ReadBody<Told> {
  readonly told: Told;
  readonly decode: (described: ServedDescription) => Promise<Tensor[]>;
  /** It is forgotten there. */
  readonly close: () => void;
}

interface Waiting {
  readonly resolve: (message: FromBodyThread) => void;
  readonly reject: (error: DaisError) => void;
}

export class BodyThread<Told> {
  readonly #program: URL;
  readonly #waiting = new Map<number, Waiting>();
  #thread: Thread | undefined;
  #last = 0;
  #bodies = 0;
  #bytes = 0;

  constructor(program: URL) {
    this.#program = program;
  }

  /** Takes the bytes over. Throws what reading throws there, `overloaded` when too many wait, `too_large` when memory ends. */
  async open(body: Buffer, how: unknown): Promise<ReadBody<Told>> {
    const { length } = body;
    if (this.#bodies > 0 && (this.#bodies >= MOST_BODIES || this.#bytes + length > MOST_BYTES)) {
      throw new DaisError('overloaded', `${this.#bodies} large request bodies are being parsed, which is the limit. Retry later.`);
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
      // A view on memory that others share cannot be handed over; a long body has its own.
      const isAlone = length > LONG_BODY || length === body.buffer.byteLength;
      const whole = isAlone ? body : Buffer.from(new Uint8Array(body).buffer);
      const answer = await this.#ask({ id, type: 'open', body: whole, how }, [whole.buffer as ArrayBuffer]);
      const told = (answer as FromBodyThread & { type: 'opened' }).told as Told;
      return {
        told,
        decode: async (described) => {
          const { endpoint, version, platform, inputs, outputs, signature, enforce } = described;
          const plain = { endpoint, version, platform, inputs, outputs, signature, enforce };
          const decoded = await this.#ask({ id, type: 'decode', described: plain }, []);
          return await unpackTensors((decoded as FromBodyThread & { type: 'decoded' }).tensors);
        },
        close,
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  async #ask(message: ToBodyThread, moved: readonly ArrayBuffer[]): Promise<FromBodyThread> {
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
    // Whoever waits for an answer has a connection that keeps the process.
    thread.unref();
    let fault: unknown;
    thread.on('error', (error) => (fault = error));
    thread.on('message', (message: FromBodyThread) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type !== 'failed') waiting?.resolve(message);
      else waiting?.reject(new DaisError(message.fault.code as DaisError['code'], message.fault.detail));
    });
    thread.once('exit', () => {
      this.#thread = undefined;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      const isMemory = (fault as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      const error = isMemory
        ? new DaisError('too_large', 'Parsing the body exceeds the memory limit. Split the request, or send the tensors in binary.')
        : new DaisError('internal', 'The thread that parses large bodies exited.', { cause: fault });
      for (const { reject } of lost) reject(error);
    });
    return thread;
  }
}
