/** Where the records of one write lie until it: one behind the other in pages that are used again, large tensors where they are. */

const PAGE = 64 * 1024;
/** Pages of writes that are over, for the next ones. */
const MOST_KEPT = 4;

export class SegmentPages {
  readonly #kept: Buffer[];
  readonly #pieces: Uint8Array[] = [];
  readonly #pages: Buffer[] = [];
  #page: Buffer;
  /** Of the page: where that begins which is in no piece yet, and where the next record goes. */
  #from = 0;
  #at = 0;

  /** `kept`: what those that came before have left. */
  constructor(kept: Buffer[]) {
    this.#kept = kept;
    this.#page = this.#next(0);
  }

  /** A page that has so much room behind `at`. What is put there counts when `took` says so. */
  room(bytes: number): { readonly page: Buffer; readonly at: number } {
    if (this.#page.length - this.#at < bytes) {
      this.#cut();
      this.#page = this.#next(bytes);
      this.#from = 0;
      this.#at = 0;
    }
    return { page: this.#page, at: this.#at };
  }

  /** `behind`: what follows and lies elsewhere; nobody changes it before it is written. */
  took(bytes: number, behind: readonly Uint8Array[]): void {
    this.#at += bytes;
    if (behind.length === 0) return;
    this.#cut();
    this.#pieces.push(...behind);
  }

  /** All of it, in order. */
  pieces(): readonly Uint8Array[] {
    this.#cut();
    return this.#pieces;
  }

  /** It is written, or never will be. */
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
