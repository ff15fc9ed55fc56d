/**
 * Opens the Secrets of remote models for the gateway of this machine. The values stay in memory: the snapshot on the disk does
 * not contain them.
 */
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** A value of a Secret, which is opened outside of the transaction: that can call a remote key store. */
export interface SealedCredential {
  /** Changes with the value. */
  readonly print: string;
  open(): Promise<string>;
}

export interface CredentialReference {
  readonly projectId: string;
  readonly secret: string;
  readonly key: string;
}

/** Undefined: there is no such Secret, or it has no such key. */
export type FindCredential = (tx: Transaction, reference: CredentialReference) => Promise<SealedCredential | undefined>;

export interface RemoteCredentialsDependencies {
  readonly database: Database;
  readonly findCredential: FindCredential;
  readonly clock: Clock;
  readonly log: Log;
}

/** A changed Secret reaches the gateway within this time. */
const READ_EACH_MS = 3000;

export class RemoteCredentials {
  readonly #dependencies: RemoteCredentialsDependencies;
  #references: ReadonlyMap<string, CredentialReference> = new Map();
  readonly #opened = new Map<string, { readonly print: string; readonly value: string }>();
  #readAt = -Infinity;

  constructor(dependencies: RemoteCredentialsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Values by the key of the model. A value that cannot be opened keeps its last state. */
  get values(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#opened].map(([key, { value }]) => [key, value]));
  }

  /** Sets the models of the snapshot that need credentials, and reads the values. */
  async use(references: ReadonlyMap<string, CredentialReference>): Promise<void> {
    this.#references = references;
    for (const key of this.#opened.keys()) if (!references.has(key)) this.#opened.delete(key);
    await this.#read();
  }

  /** Reads the values if they are due. Returns whether one has changed. */
  async refresh(): Promise<boolean> {
    if (this.#references.size === 0 || this.#dependencies.clock.now() - this.#readAt < READ_EACH_MS) return false;
    return await this.#read();
  }

  async #read(): Promise<boolean> {
    const { database, findCredential, clock, log } = this.#dependencies;
    this.#readAt = clock.now();
    if (this.#references.size === 0) return false;
    const found = await transact(database, { mode: 'read', projectId: 'all' }, async (tx) => {
      const sealed = new Map<string, SealedCredential | undefined>();
      for (const [key, reference] of this.#references) sealed.set(key, await findCredential(tx, reference));
      return sealed;
    });
    let isChanged = false;
    for (const [key, sealed] of found) {
      const before = this.#opened.get(key);
      if (sealed === undefined) {
        isChanged = this.#opened.delete(key) || isChanged;
        continue;
      }
      if (before?.print === sealed.print) continue;
      try {
        this.#opened.set(key, { print: sealed.print, value: await sealed.open() });
        isChanged = true;
      } catch (error) {
        log.warn('cannot open the credentials of a remote model', { model: key, error });
      }
    }
    return isChanged;
  }
}
