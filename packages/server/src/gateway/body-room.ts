/** Where a long body of an announced length is put together as it comes. */
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';

/** Whatever an element is, it may begin at a multiple of so many bytes. */
const ALIGNMENT = 8;

export class BodyRoom {
  readonly #kept: BufferPool;
  readonly #binaryAt: number;
  readonly #length: number;
  /** Taken with the first bytes: whoever only announces a large body costs nothing. */
  #whole: Buffer | undefined;
  #came = 0;
  #isOver = false;

  /** `binaryAt`: what of the body lies as a machine reads it, if anything does: it needs no copy then. */
  constructor(kept: BufferPool, length: number, binaryAt = 0) {
    this.#kept = kept;
    this.#length = length;
    this.#binaryAt = binaryAt;
  }

  /** At most as many as its length in all. */
  add(bytes: Buffer): void {
    if (!this.#isOver) bytes.copy((this.#whole ??= this.#make()), this.#came);
    this.#came += bytes.length;
  }

  /** Once nothing is missing. */
  get whole(): Buffer {
    return (this.#whole ??= this.#make());
  }

  /** Nobody reads it any more, nor will; what still comes goes nowhere. */
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
