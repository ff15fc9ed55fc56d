/** A fair queue: one caller at a time, owners take turns, first in first out per owner. Bounded. */
export class FairQueue {
  readonly #most: number;
  /** In the order of service. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #count = 0;
  #busy = false;

  constructor(most: number) {
    this.#most = most;
  }

  get running(): number {
    return this.#busy ? 1 : 0;
  }

  get waiting(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#busy && this.#count >= this.#most;
  }

  /** Resolves when it is the caller's turn; the caller must then call `next`. @throws the reason of `signal`. */
  async take(owner: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#busy) {
      this.#busy = true;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const queue = this.#waiting.get(owner) ?? [];
      const give = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const abort = () => {
        queue.splice(queue.indexOf(give), 1);
        this.#count -= 1;
        if (queue.length === 0) this.#waiting.delete(owner);
        reject(signal?.reason as Error);
      };
      queue.push(give);
      this.#count += 1;
      this.#waiting.set(owner, queue);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#busy = false;
      return;
    }
    const [owner, queue] = first;
    // To the end of the queue: the next turn belongs to another owner.
    this.#waiting.delete(owner);
    const give = queue.shift();
    if (queue.length > 0) this.#waiting.set(owner, queue);
    this.#count -= 1;
    give?.();
  }
}
