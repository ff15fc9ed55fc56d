/** Measures lines of a load on one server: its CPU a call, calls a second, and how long a call takes. */
import { cpuOf } from '../lib/processes.ts';

export interface Figures {
  /** Milliseconds of CPU of the server a call. */
  readonly cpu: number;
  readonly callsPerSecond: number;
  /** Milliseconds, as the client saw them. */
  readonly p50: number;
  readonly p99: number;
}

export interface MeterOptions {
  /** The first processes of the server. */
  readonly pids: readonly number[];
  /** How many clients call at once, each its next call when it has the answer to its last. */
  readonly clients: number;
  /** Only lines that it matches are measured. */
  readonly only: RegExp;
  /** So much of the calls, for a quick look. */
  readonly share: number;
}

/** What each server has before each line, and at least half as many calls as are measured. */
const WARM_MS = 6000;

export class Meter {
  readonly figures = new Map<string, Figures>();
  readonly #options: MeterOptions;

  constructor(options: MeterOptions) {
    this.#options = options;
  }

  wants(name: string): boolean {
    return this.#options.only.test(name);
  }

  /**
   * Gives each call a number, each greater than those before it, and the number of its client. `prepare` gets the number of measured
   * calls, after the warm-up, and is not measured.
   */
  async measure(
    name: string,
    calls: number,
    work: (index: number, client: number) => Promise<unknown>,
    prepare?: (times: number) => Promise<void>,
  ): Promise<void> {
    if (!this.wants(name)) return;
    const { pids, clients, share } = this.#options;
    const times = Math.max(clients, Math.ceil(calls * share));
    // Every server runs at the speed of one that has been up for a while, so each has the same time to get there: what it
    // compiles, plans and caches on the way is paid once, and is not what a call costs.
    const warm = performance.now() + WARM_MS * share;
    let before = 0;
    for (; before < times / 2 || performance.now() < warm; before += clients)
      await this.#inTurns(before, clients, work);
    await prepare?.(times);
    const cpu = cpuOf(pids);
    const begin = performance.now();
    const took = await this.#inTurns(before, times, work);
    const seconds = (performance.now() - begin) / 1000;
    this.note(name, { cpu: cpuOf(pids) - cpu, seconds, took });
  }

  /** What was measured elsewhere: CPU of all calls, the time from the first to the last, and that of each. */
  note(name: string, all: { readonly cpu: number; readonly seconds: number; readonly took: readonly number[] }): void {
    const times = all.took.length;
    const sorted = all.took.toSorted((a, b) => a - b);
    const at = (part: number) => sorted[Math.min(times - 1, Math.floor(times * part))] ?? NaN;
    const callsPerSecond = times / all.seconds;
    this.figures.set(name, { cpu: all.cpu / times, callsPerSecond, p50: at(0.5), p99: at(0.99) });
  }

  /** How long each call took. */
  async #inTurns(from: number, times: number, work: (index: number, client: number) => Promise<unknown>) {
    const took: number[] = [];
    let next = from;
    const client = async (number: number) => {
      for (let index = next++; index < from + times; index = next++) {
        const begin = performance.now();
        await work(index, number);
        took.push(performance.now() - begin);
      }
    };
    await Promise.all(Array.from({ length: this.#options.clients }, (_, number) => client(number)));
    return took;
  }
}
