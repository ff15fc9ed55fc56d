/**
 * The online store: returns the newest row of each entity of a feature view by key within milliseconds. It is independent of
 * features and types: keys and values are bytes that the ledger encodes.
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
  /** Event time of the row; microseconds since 1970, within ±2^53. */
  readonly eventTime: number;
  /** Time of the write at its source; decides between rows with the same event time. Microseconds; 0: unknown. */
  readonly createdTime: number;
  /** At most 1 MiB. */
  readonly value: Buffer;
}

export interface Lookup extends OnlineView {
  readonly keys: readonly Buffer[];
}

export interface OnlineStore {
  /**
   * Writes rows of one view and returns the number of changed rows: a row is stored when its key is new, or when its
   * (eventTime, createdTime) is not before that of the stored row; of rows with one key in one call, the last such row counts.
   * Durable when it resolves. Idempotent: writing the same rows again changes nothing. At most 10,000 rows.
   * @throws DaisError `database_unavailable`, `storage_full`, `upstream_failed`.
   */
  write(view: OnlineView, rows: readonly OnlineRow[]): Promise<number>;
  /**
   * Returns the rows of each lookup in the order of its keys; undefined for missing rows. One round trip. At most 100,000 keys.
   * @throws DaisError `database_unavailable`, `upstream_failed`.
   */
  read(lookups: readonly Lookup[]): Promise<readonly (readonly (OnlineRow | undefined)[])[]>;
  /** Returns keys of a view after `after` in a stable, unspecified order: for samples and counts. At most 10,000. */
  keys(view: OnlineView, after: Buffer | undefined, limit: number): Promise<readonly Buffer[]>;
  count(view: OnlineView): Promise<number>;
  /** Deletes the rows of a view; idempotent. Rows that are written concurrently may remain. */
  drop(view: OnlineView): Promise<void>;
  /** Closes connections and files. Idempotent. */
  close(): Promise<void>;
}
