/** A buffer for a large body of announced length, filled as data arrives. */
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';

/** Alignment that suits every element type. */
const ALIGNMENT = 8;

export class BodyBuffer {
  readonly #kept: BufferPool;
  readonly #binaryAt: number;
  readonly #length: number;
  /** Allocated when the first bytes arrive, so that an announced body without data costs no memory. */
  #whole: Buffer | undefined;
  #came = 0;
  #isOver = false;

  /** `binaryAt`: offset of the part that is already in machine format and needs no copy. */
  constructor(kept: BufferPool, length: number, binaryAt = 0) {
    this.#kept = kept;
    this.#length = length;
    this.#binaryAt = binaryAt;
  }

  /** At most the announced length in total. */
  add(bytes: Buffer): void {
    if (!this.#isOver) bytes.copy((this.#whole ??= this.#make()), this.#came);
    this.#came += bytes.length;
  }

  /** Available when the body is complete. */
  get whole(): Buffer {
    return (this.#whole ??= this.#make());
  }

  /** Releases the buffer. Data that arrives later is discarded. */
  giveBack(): void {
    if (this.#whole !== undefined) this.#kept.give(this.#whole.buffer as ArrayBuffer);
    this.#whole = undefined;
    this.#isOver = true;
  }

  #make(): Buffer {
    const from = (ALIGNMENT - (this.#binaryAt % ALIGNMENT)) % ALIGNMENT;
    return Buffer.from(this.#kept.take(from + this.#length), from, this.#length);
  }
}
