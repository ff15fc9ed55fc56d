import { DaisError } from '@dais/api';

/** Lets a few things run at once and a few more wait; what comes on top is told to come back. */
export class WorkQueue {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  readonly #full: string;

  /** @param full what whoever comes on top is told */
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
      // Whoever ends hands its place over, so that nobody who comes later slips in between.
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
