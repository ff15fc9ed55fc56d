/**
 * A pool of memory for large short-lived buffers. 600 kB of fresh memory cost 0.4 ms of page faults, and each 64 MB of
 * it a full garbage collection; pooled memory costs neither.
 */
import type { Clock } from '#lib/clock.ts';

/** Below this size memory is allocated, because pooling has no benefit. */
export const WORTH_KEEPING = 64 * 1024;
/** Sizes between two powers of two: at most a quarter of a buffer is unused. */
const STEPS = 4;
const POLL_MS = 10_000;

interface Shelf {
  readonly free: ArrayBuffer[];
  /** The minimum number of free buffers since the last check: so many were not needed. */
  least: number;
}

export class BufferPool {
  readonly #clock: Clock;
  readonly #mostBytes: number;
  readonly #shelves = new Map<number, Shelf>();
  #bytes = 0;
  #isScanning = false;

  /** `mostBytes`: limit of unused memory in the pool. */
  constructor(clock: Clock, mostBytes: number) {
    this.#clock = clock;
    this.#mostBytes = mostBytes;
  }

  /** Unused bytes in the pool. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns at least so many bytes with arbitrary content. The caller owns them; if they are never released, later
   * calls allocate memory.
   */
  take(bytes: number): ArrayBuffer {
    const size = sizeFor(bytes);
    const shelf = this.#shelves.get(size);
    const memory = shelf?.free.pop();
    if (shelf === undefined || memory === undefined) return Buffer.allocUnsafeSlow(size).buffer;
    this.#bytes -= size;
    shelf.least = Math.min(shelf.least, shelf.free.length);
    return memory;
  }

  /**
   * Returns memory of `take` that is no longer in use. Memory that was transferred to a thread is detached and ignored.
   */
  give(memory: ArrayBuffer): void {
    const size = memory.byteLength;
    if (size === 0 || size !== sizeFor(size) || this.#bytes + size > this.#mostBytes) return;
    let shelf = this.#shelves.get(size);
    if (shelf === undefined) this.#shelves.set(size, (shelf = { free: [], least: 0 }));
    shelf.free.push(memory);
    this.#bytes += size;
    this.#scanLater();
  }

  #scanLater(): void {
    if (this.#isScanning) return;
    this.#isScanning = true;
    this.#clock.after(POLL_MS, () => {
      this.#isScanning = false;
      for (const [size, shelf] of this.#shelves) {
        this.#bytes -= size * shelf.free.splice(0, shelf.least).length;
        shelf.least = shelf.free.length;
        if (shelf.free.length === 0) this.#shelves.delete(size);
      }
      if (this.#bytes > 0) this.#scanLater();
    });
  }
}

function sizeFor(bytes: number): number {
  const step = 2 ** Math.floor(Math.log2(Math.max(bytes, WORTH_KEEPING))) / STEPS;
  return Math.ceil(bytes / step) * step;
}
