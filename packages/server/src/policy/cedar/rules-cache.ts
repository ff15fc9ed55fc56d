import type { Sql } from '#engines/database/contract.ts';
import { readVersion } from '#policy/state.ts';
import type { Rules, RulesReader } from './rules.ts';

/**
 * The cache of the current rules. A transaction reads the version once, before it writes, and keeps it: permissions
 * within one apply are those before it, and uncommitted changes are never cached.
 */
export class RulesCache {
  readonly #reader: RulesReader;
  readonly #byTransaction = new WeakMap<Sql, Promise<Rules>>();
  #latest: Rules | undefined;
  /** Its version as text, as a prelude returns it. */
  #latestVersion = '';
  #loading: { readonly version: bigint; readonly rules: Promise<Rules> } | undefined;

  constructor(reader: RulesReader) {
    this.#reader = reader;
  }

  /** Returns the rules of a transaction that read the version with its first statement, if they are the latest ones. */
  known({ prelude }: Sql): Rules | undefined {
    return prelude !== undefined && prelude === this.#latestVersion ? this.#latest : undefined;
  }

  async current(sql: Sql): Promise<Rules> {
    let rules = this.#byTransaction.get(sql);
    if (rules === undefined) {
      rules = this.#find(sql);
      this.#byTransaction.set(sql, rules);
    }
    return await rules;
  }

  async #find(sql: Sql): Promise<Rules> {
    const version = await readVersion(sql);
    if (this.#latest?.version === version) return this.#latest;
    if (this.#loading?.version === version) {
      try {
        return await this.#loading.rules;
      } catch {
        // Another caller's transaction failed: this one's may not.
      }
    }
    const rules = this.#reader.read(sql, version);
    const loading = { version, rules };
    this.#loading = loading;
    try {
      const read = await rules;
      if (this.#latest === undefined || this.#latest.version <= version) {
        this.#latest = read;
        this.#latestVersion = String(version);
      }
      return read;
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
  }
}
