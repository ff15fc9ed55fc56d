/** Last uses of tokens, buffered in memory and written together: a busy program must not cause a write per request. */
import type { Database } from '#engines/database/contract.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { recordTokenUses, type TokenUse } from '#policy/identity/tokens/tokens.ts';

const WRITE_EVERY_MS = 30_000;

export class TokenUses {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #uses = new Map<string, TokenUse>();
  #cancel: (() => void) | undefined;

  constructor(database: Database, clock: Clock, log: Log) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  note(id: string, address: string): void {
    this.#uses.set(id, { id, atMs: this.#clock.now(), address });
    this.#cancel ??= this.#clock.after(WRITE_EVERY_MS, () => void this.flush());
  }

  /** A use that cannot be written is lost: it is a hint for people, not evidence. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const uses = [...this.#uses.values()];
    if (uses.length === 0) return;
    this.#uses = new Map();
    try {
      await transact(this.#database, { mode: 'write', projectId: ORGANIZATION }, ({ sql }) =>
        recordTokenUses(sql, uses),
      );
    } catch (error) {
      this.#log.warn('could not record the last uses of tokens', { error });
    }
  }
}
