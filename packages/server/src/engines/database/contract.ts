/**
 * The database engine stores all resources, records and events of Dais. It is always PostgreSQL >= 14; the implementations
 * differ only in who runs the server (`embedded`: Dais; `postgres`: an external server by URL).
 *
 * It has two parts: a `DatabaseEngine` starts or finds a server (in the supervisor), a `Database` connects to it (in every
 * process).
 */

/** Connection parameters of a server: plain data, so that the supervisor can pass them to its child processes. */
export interface ConnectionOptions {
  /** Host name, or the absolute path of the folder with the Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  /** TLS options from the `sslmode` of the URL; absent on a Unix socket. */
  readonly ssl?: TlsOptions;
  /** False behind a transaction pooler that does not support prepared statements (PgBouncer before 1.21). */
  readonly preparedStatements?: boolean;
}

/** Certificates and keys are PEM text. */
export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  /** False: the certificate must be valid but may be for another host name (`verify-ca`). */
  readonly checkHost?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface DatabaseEngine {
  /**
   * Makes a server available: starts it, adopts one that already runs on this data, or checks the one of the URL. May block for
   * seconds (first start creates the cluster). Idempotent.
   * @throws DaisError `data_locked` (another Dais owns the data), `data_version` (another major version wrote it),
   *   `database_unavailable` (not reachable), `database_setup` (server too old, role may not create roles, …): each with a
   *   remedy.
   */
  start(): Promise<RunningDatabase>;
}

export interface RunningDatabase {
  readonly connection: ConnectionOptions;
  /** `server_version_num`, for example 170008. */
  readonly serverVersion: number;
  /** Resolves when a server of this engine has ended, intentionally or not; never resolves for an external server. */
  readonly ended: Promise<{ readonly wasRequested: boolean; readonly detail: string }>;
  /** Shuts down a server of this engine cleanly; does nothing for an external server. Idempotent. */
  stop(): Promise<void>;
}

/** The rows that a transaction may access: those of one project, of the organization, or (controllers, sequencer) all. */
export type RowScope = { readonly project: string } | 'all';

/** Runs statements inside one transaction, one statement at a time. */
export interface Sql {
  /**
   * Runs one statement. `name` makes it a prepared statement on this connection (hot paths; one text per name).
   * Returns int8 as bigint, timestamptz as Date, jsonb parsed, bytea as Buffer.
   * @throws DaisError `database_unavailable`, `storage_full`; other server errors as the driver's error with `.code`.
   */
  query<Row extends object>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
  /**
   * Runs a statement without result rows in the round trip of the next statement, before it, or of the commit. Its error is
   * thrown there. A database function can raise an error of the catalog: SQLSTATE `DA000`, with the code as DETAIL and the
   * explanation as message.
   *
   * A transaction that defers all its statements takes one round trip. A database function that finds an unexpected state
   * raises SQLSTATE `DA001`: the transaction rolls back and restarts in `careful` mode.
   */
  defer(text: string, values?: readonly unknown[], name?: string): void;
  /** True after a restart because of an unexpected state: the function reads the state first. */
  readonly careful: boolean;
  /**
   * The value of `prelude` of the transaction options, in the text format of PostgreSQL. Undefined before the first statement,
   * and without a prelude.
   */
  readonly prelude?: string | undefined;
}

/** A query for one value that runs at the start of a transaction, in the round trip of its first statement. */
export interface Prelude {
  readonly text: string;
  /** Name of the prepared statement. */
  readonly name: string;
}

export interface Database {
  /**
   * Runs `work` in one transaction as the unprivileged role with row security bound to `scope`; commits when it
   * resolves and rolls back when it throws. `read` transactions are READ ONLY. Isolation is READ COMMITTED unless
   * `snapshot` asks for REPEATABLE READ. A serialization failure or deadlock (40001, 40P01) is retried with a fresh
   * transaction, so `work` must have no side effects outside the database.
   */
  transaction<T>(options: TransactionOptions, work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * Runs one statement as a transaction in one round trip: the fast form of `transaction` for hot paths. It is retried in the
   * same way, except for a write whose connection is lost, because it may have been committed.
   */
  statement<Row extends object>(
    options: TransactionOptions,
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<Row[]>;
  /**
   * Listens on a channel. Only a hint (poolers drop notifications): callers also poll. `heard` is also called after a
   * reconnect. Resolves to a function that stops listening.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>>;
  /**
   * Calls `ring` at each notification on the channel, if there is one, and once per second while `isDue` is true: for work that becomes due with
   * time and for lost notifications. All checks of a process share one read transaction over all projects, one after the other:
   * each must be one read by index. Resolves to a function that ends both.
   */
  poll(
    channel: string | undefined,
    isDue: (sql: Sql) => Promise<boolean>,
    ring: () => void,
  ): Promise<() => Promise<void>>;
  /** Makes one round trip; throws `database_unavailable` when the server does not respond within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  /** Pool metrics for /metrics. */
  stats(): { readonly total: number; readonly idle: number; readonly waiting: number };
  /** Waits for running transactions, then closes every connection. Idempotent. */
  close(): Promise<void>;
}

export interface TransactionOptions {
  readonly mode: 'read' | 'write';
  readonly scope: RowScope;
  readonly snapshot?: boolean;
  readonly prelude?: Prelude | undefined;
  /** Limit of each statement in milliseconds; the database's default when absent. Beyond it: `overloaded`. */
  readonly timeoutMs?: number;
}

/** A slice of the program that owns one PostgreSQL schema. */
export interface Slice {
  /** The PostgreSQL schema: the only one that this slice's SQL may use, in addition to the public views of `kernel`. */
  readonly schema: string;
  /** Numbered SQL files in order; the text is part of the program, so that a bundle needs no folder. */
  readonly migrations: readonly Migration[];
  /**
   * Run as `dais_owner` at the end of an import, on the newest schema: changes state that a copy must not share, such as epochs
   * and leases.
   */
  readonly afterImport?: string;
}

export interface Migration {
  /** `0001-resources`: number and slug, unique in its slice, never renumbered. */
  readonly id: string;
  /** One or more statements, run as `dais_owner` in one transaction with all other pending migrations. */
  readonly sql: string;
  /**
   * Oldest program version (semver) that still runs on the schema after this step; a contract step raises it. Expand steps omit
   * it.
   */
  readonly minimumVersion?: string;
}
