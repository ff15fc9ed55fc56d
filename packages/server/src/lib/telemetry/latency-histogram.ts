/** Latencies in buckets of 2 %: some hundred numbers, however many requests there were. */

const STEP = Math.log(1.02);
/** Up to 10 minutes in microseconds. */
const BUCKETS = 1024;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;
  #mostMs = 0;

  get total(): number {
    return this.#total;
  }

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(1, ms * 1000)) / STEP);
    const position = Math.min(BUCKETS - 1, bucket);
    this.#counts[position] = (this.#counts[position] ?? 0) + 1;
    this.#total++;
    if (ms > this.#mostMs) this.#mostMs = ms;
  }

  /** In ms, never less than the true one; null without requests. */
  quantile(share: number): number | null {
    if (this.#total === 0) return null;
    const rank = Math.ceil(this.#total * share);
    let below = 0;
    for (const [position, count] of this.#counts.entries()) {
      below += count;
      if (below >= rank) return rounded(Math.min(this.#mostMs, Math.exp(position * STEP) / 1000));
    }
    return rounded(this.#mostMs);
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
