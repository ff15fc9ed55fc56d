/**
 * The database engine: where every resource, record and event of Dais lives. It is always PostgreSQL >= 14; the
 * implementations differ only in who runs the server (`embedded`: Dais itself; `postgres`: somebody else, by URL).
 *
 * Two halves: a `DatabaseEngine` runs or finds a server (supervisor side), a `Database` talks to one (every process).
 */

/** How to reach a server: plain data, so that the supervisor can hand it to its child processes. */
export interface ConnectionOptions {
  /** Host name, or the absolute path of the folder that holds the Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string;
  /** TLS as the URL's `sslmode` asked for; absent on a Unix socket. */
  readonly ssl?: TlsOptions;
  /** False behind a transaction pooler that does not know prepared statements (PgBouncer before 1.21). */
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
   * Makes a server reachable: starts it, adopts one that already runs on this data, or checks the one given by URL.
   * May block for seconds (first start creates the cluster). Idempotent.
   * @throws DaisError `data_locked` (another Dais owns the data), `data_version` (another major version wrote it),
   *   `database_unavailable` (not reachable), `database_setup` (server too old, role may not create roles, …): each
   *   says what to do.
   */
  start(): Promise<RunningDatabase>;
}

export interface RunningDatabase {
  readonly connection: ConnectionOptions;
  /** `server_version_num`, for example 170008. */
  readonly serverVersion: number;
  /** Resolves when a server that this engine runs has ended, wanted or not; never for a server run by others. */
  readonly ended: Promise<{ readonly wanted: boolean; readonly detail: string }>;
  /** Clean shutdown of a server this engine runs; nothing for one run by others. Idempotent. */
  stop(): Promise<void>;
}

/** Whose rows a transaction may touch: one project's, the organisation's own, or (controllers, sequencer) all. */
export type RowScope = { readonly project: string } | 'all';

/** Runs statements inside one transaction. Not for concurrent use: one statement at a time. */
export interface Sql {
  /**
   * Runs one statement. `name` makes it a prepared statement on this connection (hot paths; one text per name).
   * int8 comes back as bigint, timestamptz as Date, jsonb parsed, bytea as Buffer.
   * @throws DaisError `database_unavailable`, `storage_full`; other server errors as the driver's error with `.code`.
   */
  query<Row extends object>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
  /**
   * Runs a statement in the round trip of the next one, before it, or in that of the commit: for what gives no rows that
   * anybody reads. What it fails with is thrown there. A function of the database may refuse with an error of the
   * catalogue: SQLSTATE `DA000`, the code as its DETAIL, what happened as its message.
   *
   * A transaction that defers all it does takes one round trip. What is then not as it was expected to be, a function of
   * the database tells with SQLSTATE `DA001`: nothing of the transaction stays, and it begins anew, `careful`.
   */
  defer(text: string, values?: readonly unknown[], name?: string): void;
  /** It began anew because something was not as it was expected to be: now it is looked at first. */
  readonly careful: boolean;
  /**
   * What `prelude` of the transaction's options gave, as PostgreSQL writes it. Undefined before the first statement, and
   * without a prelude.
   */
  readonly prelude?: string | undefined;
}

/** A query for one value that travels with the beginning of a transaction, in the round trip of its first statement. */
export interface Prelude {
  readonly text: string;
  /** Of the prepared statement. */
  readonly name: string;
}

export interface Database {
  /**
   * Runs `work` in one transaction as the unprivileged role with row security bound to `scope`; commits when it
   * resolves and rolls back when it throws. `read` transactions are READ ONLY. Isolation is READ COMMITTED unless
   * `snapshot` asks for REPEATABLE READ. A serialization failure or deadlock (40001, 40P01) is retried with a fresh
   * transaction, so `work` must have no effect outside the database.
   */
  transaction<T>(options: TransactionOptions, work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * One statement as a transaction of its own, in one round trip: the cheap form of `transaction` for hot paths.
   * Retried like it; a write whose connection is lost is not, because nobody knows whether it was committed.
   */
  statement<Row extends object>(
    options: TransactionOptions,
    text: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<Row[]>;
  /**
   * LISTEN on a channel. Only a hint (poolers drop it): callers also poll. `heard` is also called after a reconnect.
   * Resolves to a function that stops listening.
   */
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>;
  /** One round trip; throws `database_unavailable` when the server does not answer within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  /** Pool figures for /metrics. */
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
  /** The PostgreSQL schema: the only one that this slice's SQL may name, beside `kernel`'s public views. */
  readonly schema: string;
  /** Numbered SQL files in order; text is part of the program, so that a bundle needs no folder. */
  readonly migrations: readonly Migration[];
  /**
   * Run as `dais_owner` at the end of an import, on the newest schema: what must not be the same in a copy, such as
   * epochs and leases.
   */
  readonly afterImport?: string;
}

export interface Migration {
  /** `0001-resources`: number and slug, unique in its slice, never renumbered. */
  readonly id: string;
  /** One or more statements, run as `dais_owner` in one transaction with all other pending migrations. */
  readonly sql: string;
  /**
   * Oldest program version (semver) that still runs on the schema after this step; a contract step raises it. Expand
   * steps leave it out.
   */
  readonly minimumVersion?: string;
}
