/** Who is next: one at a time, owners take turns, each owner's own in the order in which they came. Bounded. */
export class Turns {
  readonly #most: number;
  /** In the order in which owners are served. */
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

  /** Resolves when it is the caller's turn, who then calls `next` for ever. @throws the reason of `signal`. */
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
    // To the end of the line: the next turn is another owner's.
    this.#waiting.delete(owner);
    const give = queue.shift();
    if (queue.length > 0) this.#waiting.set(owner, queue);
    this.#count -= 1;
    give?.();
  }
}
