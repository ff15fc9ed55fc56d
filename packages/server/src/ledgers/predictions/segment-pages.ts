/** Buffers of the records of one write: consecutive in reusable pages, large tensors by reference. */

const PAGE = 64 * 1024;
/** Pages of finished writes, for reuse. */
const MOST_KEPT = 4;

export class SegmentPages {
  readonly #kept: Buffer[];
  readonly #pieces: Uint8Array[] = [];
  readonly #pages: Buffer[] = [];
  #page: Buffer;
  /** Offsets in the page: the start of the data that is in no piece yet, and the position of the next record. */
  #from = 0;
  #at = 0;

  /** `kept`: pages of earlier writes. */
  constructor(kept: Buffer[]) {
    this.#kept = kept;
    this.#page = this.#next(0);
  }

  /** Returns a page with enough room after `at`. Data counts when `took` reports it. */
  room(bytes: number): { readonly page: Buffer; readonly at: number } {
    if (this.#page.length - this.#at < bytes) {
      this.#cut();
      this.#page = this.#next(bytes);
      this.#from = 0;
      this.#at = 0;
    }
    return { page: this.#page, at: this.#at };
  }

  /** `behind`: referenced data that follows; it must not change before it is written. */
  took(bytes: number, behind: readonly Uint8Array[]): void {
    this.#at += bytes;
    if (behind.length === 0) return;
    this.#cut();
    this.#pieces.push(...behind);
  }

  /** Returns all pieces in order. */
  pieces(): readonly Uint8Array[] {
    this.#cut();
    return this.#pieces;
  }

  /** Releases the pages after the write, or without one. */
  giveBack(): void {
    for (const page of this.#pages) if (page.length === PAGE && this.#kept.length < MOST_KEPT) this.#kept.push(page);
  }

  #next(bytes: number): Buffer {
    const page = (bytes <= PAGE ? this.#kept.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(bytes, PAGE));
    this.#pages.push(page);
    return page;
  }

  #cut(): void {
    if (this.#at > this.#from) this.#pieces.push(this.#page.subarray(this.#from, this.#at));
    this.#from = this.#at;
  }
}
