/**
 * Orders the loads of models: several at a time, small ones first. A slow load stops counting against the limit, so
 * that models that load slowly, or never, do not delay others.
 */
import type { Clock } from '#lib/clock.ts';

export interface QueuedLoad {
  /** Size of the files of the model. */
  readonly bytes: number;
  /**
   * The gateway died while it was loading this model: it is loaded after the others, and no other load starts
   * meanwhile.
   */
  readonly isSuspect: boolean;
}

interface Waiting extends QueuedLoad {
  readonly start: () => void;
}

/** A longer load frees its slot for the next. */
const SLOW_MS = 10_000;

export class LoadQueue {
  readonly #clock: Clock;
  readonly #width: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;
  #isSuspectRunning = false;
  #isScheduled = false;

  constructor(clock: Clock, width: number) {
    this.#clock = clock;
    this.#width = width;
  }

  async run<T>(turn: QueuedLoad, load: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ ...turn, start: resolve });
      this.#schedule();
    });
    let isCounted = true;
    const leave = () => {
      if (!isCounted) return;
      isCounted = false;
      this.#running -= 1;
      if (turn.isSuspect) this.#isSuspectRunning = false;
      this.#schedule();
    };
    const cancel = this.#clock.after(SLOW_MS, leave);
    try {
      return await load();
    } finally {
      cancel();
      leave();
    }
  }

  /** Runs after this turn of the event loop, when all loads of a snapshot are queued. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startNext();
    });
  }

  #startNext(): void {
    this.#waiting.sort((a, b) => Number(a.isSuspect) - Number(b.isSuspect) || a.bytes - b.bytes);
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const hasRoom = next.isSuspect ? this.#running === 0 : !this.#isSuspectRunning && this.#running < this.#width;
      if (!hasRoom) return;
      this.#waiting.shift();
      this.#running += 1;
      if (next.isSuspect) this.#isSuspectRunning = true;
      next.start();
    }
  }
}
