export interface LeaseCalls<Lease> {
  /** Acquires the lease or extends it. Undefined if another process has it. */
  readonly acquire: () => Promise<Lease | undefined>;
  readonly release: (lease: Lease) => Promise<void>;
  readonly ttlMs: number;
  readonly now: () => number;
}

/**
 * The lease of a background loop: acquired by its first turn, and extended after a third of its time. While another process has it,
 * it is requested again after a sixth of its time: each write wakes the loops of all processes, and a request is a write, too.
 */
export class HeldLease<Lease> {
  readonly #calls: LeaseCalls<Lease>;
  #lease: Lease | undefined;
  #renewedAt = 0;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(calls: LeaseCalls<Lease>) {
    this.#calls = calls;
  }

  get current(): Lease | undefined {
    return this.#lease;
  }

  /** Undefined if another process has it. */
  async keep(): Promise<Lease | undefined> {
    const { acquire, ttlMs, now } = this.#calls;
    const sinceRefusal = now() - this.#refusedAt;
    // Negative: the clock was set back.
    if (this.#lease === undefined && sinceRefusal >= 0 && sinceRefusal < ttlMs / 6) return undefined;
    if (this.#lease === undefined || now() - this.#renewedAt > ttlMs / 3) {
      this.#lease = await acquire();
      this.#renewedAt = now();
      if (this.#lease === undefined) this.#refusedAt = this.#renewedAt;
    }
    return this.#lease;
  }

  /** The next turn acquires it again. */
  lose(): void {
    this.#lease = undefined;
  }

  /** If the database does not answer, the lease expires. */
  async release(): Promise<void> {
    if (this.#lease !== undefined) await this.#calls.release(this.#lease).catch(() => {});
    this.#lease = undefined;
  }
}
