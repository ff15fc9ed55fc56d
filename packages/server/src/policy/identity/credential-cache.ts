/**
 * A cache of valid credentials by digest, for at most a minute, after which their rows are read again. The reader
 * validates an entry by the version of policy.state at its read.
 */
import type { Clock } from '#lib/clock.ts';

interface Found {
  /** Milliseconds until the credential expires. */
  readonly leftMs: number;
}

interface Entry<T> {
  readonly found: T;
  readonly untilMs: number;
  readonly endsMs: number;
}

const LONGEST_MS = 60_000;

export class CredentialCache<T extends Found> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #limit: number;
  readonly #clock: Clock;

  constructor(limit: number, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > this.#clock.now()) return entry.found;
    this.#entries.delete(key);
    return undefined;
  }

  /** Milliseconds until the credential expires, as of the read. */
  leftMs(key: string): number {
    return (this.#entries.get(key)?.endsMs ?? 0) - this.#clock.now();
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  set(key: string, found: T): void {
    // Evicts the oldest: a Map preserves the order of insertion, and every entry is inserted again once a minute.
    if (this.#entries.size >= this.#limit) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    this.#entries.delete(key);
    const now = this.#clock.now();
    this.#entries.set(key, {
      found,
      untilMs: now + Math.min(found.leftMs, LONGEST_MS),
      endsMs: now + found.leftMs,
    });
  }
}
