import { DaisError } from '@dais/api';

/** Runs a limited number of tasks concurrently and queues a limited number of further tasks; rejects the others. */
export class WorkQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  readonly #full: string;

  /** @param full the message for rejected tasks */
  constructor(atOnce: number, mostWaiting: number, full: string) {
    this.#full = full;
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /** @throws DaisError `overloaded`, and what `work` throws. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) {
      if (this.#waiting.length >= this.#mostWaiting) {
        throw new DaisError('overloaded', this.#full, { retryAfter: 2 });
      }
      // A finished task passes its slot to the next waiting task, so that later arrivals cannot overtake.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
