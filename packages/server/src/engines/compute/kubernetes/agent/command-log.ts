/**
 * The output of the command on its way from the shim into the log: masked, stored, and acknowledged only then. So a killed
 * agent loses nothing: the shim sends again what was not acknowledged, and the journal says where the log continues.
 */
import type { Clock } from '#lib/clock.ts';
import { errnoOf } from '../../file-errors.ts';
import type { Journal } from './journal.ts';
import type { LogStore } from './log-store.ts';
import type { SecretMasker } from './secret-masker.ts';

export interface CommandLogOptions {
  readonly store: LogStore;
  readonly journal: Journal;
  readonly masker: SecretMasker;
  readonly clock: Clock;
  /** Output before the position is stored. */
  readonly stored: (position: number) => void;
}

/** On a full disk. Until then the shim keeps the output, and the command waits when it has written more than the window. */
const RETRY_MS = 1000;
/** The files of the store, of which each attempt to write on a full disk removes one. */
const MOST_DROPS = 8;

export class CommandLog {
  readonly #options: CommandLogOptions;
  readonly #queue: Buffer[] = [];
  /** Bytes that the masker has. */
  #received: number;
  /** Masked, not written. */
  #rest: Buffer = Buffer.alloc(0);
  #isBlocked = false;
  #finish: (() => void) | undefined;
  #isClosed = false;

  constructor(options: CommandLogOptions) {
    this.#options = options;
    this.#received = options.journal.progress.received;
  }

  append(bytes: Buffer): void {
    this.#queue.push(bytes);
    this.#drain();
  }

  /** Resolves when all output is stored, also what was held back because it could be the start of a secret. */
  async finish(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#drain();
    });
  }

  close(): void {
    this.#isClosed = true;
  }

  #drain(): void {
    if (this.#isBlocked || this.#isClosed) return;
    do {
      if (!this.#write()) return this.#retryLater();
    } while (this.#maskNext());
    this.#finish?.();
  }

  /** False when there is nothing to write. */
  #maskNext(): boolean {
    const { masker } = this.#options;
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#received += next.length;
      this.#rest = masker.mask(next);
      return true;
    }
    if (this.#finish === undefined || masker.heldBytes === 0) return false;
    this.#rest = masker.end();
    return true;
  }

  /** Writes what is masked, and records how far the log is. False on a full disk. */
  #write(): boolean {
    const { store, journal, masker, stored } = this.#options;
    for (let drops = 0; this.#rest.length > 0; drops += 1) {
      const before = store.end;
      try {
        store.append(this.#rest);
        this.#rest = Buffer.alloc(0);
      } catch (error) {
        if (errnoOf(error) !== 'ENOSPC' && errnoOf(error) !== 'EDQUOT') throw error;
        this.#rest = this.#rest.subarray(store.end - before);
        if (drops >= MOST_DROPS) return false;
        store.dropOldest();
      }
    }
    const received = this.#received - masker.heldBytes;
    if (received === journal.progress.received && store.end === journal.progress.logged) return true;
    journal.writeProgress({ received, logged: store.end, ...masker.state });
    stored(received);
    return true;
  }

  #retryLater(): void {
    this.#isBlocked = true;
    this.#options.clock.after(RETRY_MS, () => {
      this.#isBlocked = false;
      this.#drain();
    });
  }
}
