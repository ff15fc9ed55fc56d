/** Durations and failures of calls, by type of call. */
export interface CallSummary {
  readonly call: string;
  readonly calls: number;
  readonly failures: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
}

export class CallTimes {
  readonly #times = new Map<string, number[]>();
  readonly #failures = new Map<string, number>();
  readonly #events = new Map<string, number>();
  /** The newest error of a call. */
  lastError: unknown;

  async measure<T>(call: string, act: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await act();
    } catch (error) {
      this.lastError = error;
      this.#failures.set(call, (this.#failures.get(call) ?? 0) + 1);
      throw error;
    } finally {
      const times = this.#times.get(call) ?? [];
      this.#times.set(call, times);
      times.push(performance.now() - from);
    }
  }

  /** Counts what has no duration. */
  event(name: string): void {
    this.#events.set(name, (this.#events.get(name) ?? 0) + 1);
  }

  /** Forgets what was measured so far. */
  reset(): void {
    for (const map of [this.#times, this.#failures, this.#events]) map.clear();
  }

  get events(): ReadonlyMap<string, number> {
    return this.#events;
  }

  summaries(): readonly CallSummary[] {
    return [...this.#times].map(([call, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return { call, calls: times.length, failures: this.#failures.get(call) ?? 0, p50: at(0.5), p95: at(0.95) };
    });
  }
}
