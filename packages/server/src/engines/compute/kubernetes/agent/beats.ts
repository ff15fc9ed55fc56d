/** Reports the phase of the attempt to Dais, and receives orders. One beat always waits at Dais, so that an order arrives at once. */
import type { Clock } from '#lib/clock.ts';
import type { BeatRequest, BeatResponse } from '../agent-api.ts';
import type { Log } from '#lib/log.ts';
import { RejectedCall } from './call-errors.ts';
import type { DaisClient } from './dais-client.ts';
import { pause } from '#lib/concurrency/pause.ts';

export interface BeatsOptions {
  readonly client: DaisClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly state: () => Pick<BeatRequest, 'phase' | 'startedAt' | 'logPosition'>;
  readonly responded: (response: BeatResponse) => void;
}

const FIRST_WAIT_MS = 10_000;
/** Between beats of which Dais does not let one wait. */
const SHORTEST_MS = 1000;

export class Beats {
  readonly #options: BeatsOptions;
  #change = new AbortController();
  #waitMs = FIRST_WAIT_MS;
  #wasFollowed = false;
  #isOrdered = false;

  constructor(options: BeatsOptions) {
    this.#options = options;
  }

  /** The phase has changed: Dais receives it now. */
  notify(): void {
    this.#change.abort();
  }

  /** Beats until `signal` aborts. @throws its reason; the errors of the client */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      this.#change = new AbortController();
      const either = AbortSignal.any([signal, this.#change.signal]);
      try {
        await this.#beat(either);
      } catch (error) {
        signal.throwIfAborted();
        if (this.#change.signal.aborted) continue;
        // The command continues.
        if (!(error instanceof RejectedCall)) throw error;
        this.#options.log.error('Dais rejected a beat', { error });
        await pause(this.#options.clock, FIRST_WAIT_MS, signal);
      }
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const { client, clock, state, responded } = this.#options;
    // An order is repeated with each response, which then does not wait.
    const waitMs = this.#isOrdered ? 0 : this.#waitMs;
    const from = clock.now();
    const response = await client.beat(() => ({ ...state(), waitMs }), waitMs, signal);
    const { followed, nextMs, order } = response;
    this.#waitMs = nextMs;
    const isNews = followed !== this.#wasFollowed;
    this.#wasFollowed = followed;
    this.#isOrdered = order !== undefined;
    responded(response);
    if (this.#isOrdered) return await pause(clock, nextMs, signal);
    const took = clock.now() - from;
    if (!isNews && took < SHORTEST_MS) await pause(clock, Math.min(nextMs, SHORTEST_MS) - took, signal);
  }
}
