/** A sample of the values of a column that arrives in chunks, spread over all of it, for any number of values. */

/**
 * The minimum number of sampled values; the maximum is twice as many. A percentile of them is then off by less than 0.3
 * % of all values.
 */
const LEAST = 10_000;

/** One value of each block, at an offset that depends on the block alone: the same rows produce the same sample. */
export class ValueSample {
  readonly #kept = new Float64Array(2 * LEAST);
  #count = 0;
  #seen = 0;
  #every = 1;
  /** Position of the next sampled value. */
  #next = 0;

  add(values: Float64Array): void {
    const end = this.#seen + values.length;
    while (this.#next < end) {
      this.#kept[this.#count] = values[this.#next - this.#seen] ?? 0;
      this.#count += 1;
      // Immediately: the next block then starts after the values that were seen.
      if (this.#count === this.#kept.length) this.#thin();
      this.#next = this.#count * this.#every + (scattered(this.#count) % this.#every);
    }
    this.#seen = end;
  }

  sorted(): Float64Array {
    return this.#kept.slice(0, this.#count).toSorted();
  }

  /** One of two neighbors continues. */
  #thin(): void {
    this.#count = LEAST;
    for (let i = 0; i < LEAST; i++) this.#kept[i] = this.#kept[2 * i + (scattered(i) & 1)] ?? 0;
    this.#every *= 2;
  }
}

/** A pseudo-random integer (the finalizer of MurmurHash3). */
function scattered(position: number): number {
  let hash = Math.imul(position ^ (position >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
