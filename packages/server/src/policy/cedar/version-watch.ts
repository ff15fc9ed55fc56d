import type { Database } from '#engines/database/contract.ts';
import type { Clock } from '#lib/clock.ts';
import { readVersion } from '#policy/state.ts';

/** How late a stream may notice that rights have changed, or that its credential has ended. */
const POLL_MS = 1000;

/** What streams share that were permitted by the same rules and end in the same second. */
interface Holder {
  readonly version: bigint;
  readonly endsMs: number;
  readonly controller: AbortController;
}

/** Notifies streams when their authorization changed or expired. Polls only while streams exist. */
export class VersionWatch {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #holders = new Map<string, Holder>();
  #polling = false;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Aborts within a second or so of the version no longer being this one, and of `leftMs` having passed. */
  until(version: bigint, leftMs = Infinity): AbortSignal {
    // Rounded, so that the number of entries does not grow with every stream.
    const endsMs = Math.floor((this.#clock.now() + leftMs) / POLL_MS) * POLL_MS;
    const key = `${version} ${endsMs}`;
    let holder = this.#holders.get(key);
    if (holder === undefined) {
      holder = { version, endsMs, controller: new AbortController() };
      this.#holders.set(key, holder);
    }
    if (!this.#polling) this.#pollLater();
    return holder.controller.signal;
  }

  #pollLater(): void {
    this.#polling = true;
    this.#clock.after(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    const now = this.#clock.now();
    this.#end(({ endsMs }) => endsMs <= now);
    try {
      const options = { mode: 'read', scope: 'all' } as const;
      const present = await this.#database.transaction(options, async (sql) => await readVersion(sql));
      this.#end(({ version }) => version !== present);
    } catch {
      // A missing response changes nothing; streams read from the same database.
    }
    this.#polling = false;
    if (this.#holders.size > 0) this.#pollLater();
  }

  #end(isOver: (holder: Holder) => boolean): void {
    for (const [key, holder] of this.#holders) {
      if (!isOver(holder)) continue;
      this.#holders.delete(key);
      holder.controller.abort();
    }
  }
}
