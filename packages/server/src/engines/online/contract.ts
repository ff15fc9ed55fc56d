/**
 * The online store: the newest row of each entity of a feature view, found by key within milliseconds. It knows neither
 * features nor types: keys and values are bytes that the ledger packs.
 */

/** One view of one project. */
export interface OnlineView {
  /** Id of the project. */
  readonly project: string;
  /** Uid of the FeatureView. */
  readonly view: string;
}

export interface OnlineRow {
  /** At most 2 KiB. */
  readonly key: Buffer;
  /** Since when the row is true; microseconds since 1970, within ±2^53. */
  readonly eventTime: number;
  /** When it was written at its source; decides between rows of one event time. Microseconds; 0: nobody said. */
  readonly createdTime: number;
  /** At most 1 MiB. */
  readonly value: Buffer;
}

export interface Lookup extends OnlineView {
  readonly keys: readonly Buffer[];
}

export interface OnlineStore {
  /**
   * Writes rows of one view and gives the number of those that changed something: a row counts when there is none of its
   * key, or when its (eventTime, createdTime) is not before that of the one there; of rows of one key in one call, the
   * last such. Durable when it resolves. Idempotent: the same rows again change nothing. At most 10,000 rows.
   * @throws DaisError `database_unavailable`, `storage_full`, `upstream_failed`.
   */
  write(view: OnlineView, rows: readonly OnlineRow[]): Promise<number>;
  /**
   * The rows of each lookup in the order of its keys; undefined where there is none. One round trip. At most 100,000 keys.
   * @throws DaisError `database_unavailable`, `upstream_failed`.
   */
  read(lookups: readonly Lookup[]): Promise<readonly (readonly (OnlineRow | undefined)[])[]>;
  /** Keys of a view in no particular but a stable order, after `after`: for samples and counts. At most 10,000. */
  keys(view: OnlineView, after: Buffer | undefined, limit: number): Promise<readonly Buffer[]>;
  count(view: OnlineView): Promise<number>;
  /** Forgets a view; idempotent. Rows that are written meanwhile may stay. */
  drop(view: OnlineView): Promise<void>;
  /** Lets go of connections and files. Idempotent. */
  close(): Promise<void>;
}
