/**
 * Natural batching: the first item of a key runs immediately; items that arrive during its run wait and share the next
 * run. Without load nothing waits; under load all waiting items share the fixed cost of a run (round trips, a
 * transaction). Each item gets its own result or error.
 */
export class Coalescer<Item, Result> {
  readonly #runBatch: (key: string, items: readonly Item[]) => Promise<readonly Settled<Result>[]>;
  readonly #maxBatch: number;
  readonly #waiting = new Map<string, Pending<Item, Result>[]>();

  constructor(
    maxBatch: number,
    runBatch: (key: string, items: readonly Item[]) => Promise<readonly Settled<Result>[]>,
  ) {
    this.#maxBatch = maxBatch;
    this.#runBatch = runBatch;
  }

  async run(key: string, item: Item): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      const pending = { item, resolve, reject };
      const queue = this.#waiting.get(key);
      if (queue !== undefined) queue.push(pending);
      else {
        this.#waiting.set(key, []);
        void this.#drain(key, [pending]);
      }
    });
  }

  async #drain(key: string, first: Pending<Item, Result>[]): Promise<void> {
    let batch = first;
    while (batch.length > 0) {
      await this.#settle(key, batch);
      batch = this.#waiting.get(key)?.splice(0, this.#maxBatch) ?? [];
    }
    this.#waiting.delete(key);
  }

  async #settle(key: string, batch: readonly Pending<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#runBatch(
        key,
        batch.map((pending) => pending.item),
      );
      batch.forEach((pending, index) => {
        const settled = results[index];
        if (settled === undefined) pending.reject(new Error('a batch returned fewer results than it has items'));
        else if ('error' in settled) pending.reject(settled.error);
        else pending.resolve(settled.value);
      });
    } catch (error) {
      for (const pending of batch) pending.reject(error);
    }
  }
}

export type Settled<Result> = { readonly value: Result } | { readonly error: unknown };

interface Pending<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}
