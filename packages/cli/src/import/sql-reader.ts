/** A database that is only read. */
import { DaisError } from '@dais/api';

/** How long a statement waits for a process that writes, in milliseconds. */
const LOCK_PATIENCE_MS = 10_000;
/** SQLITE_READONLY_ROLLBACK. */
const NEEDS_ROLLBACK = 776;

export type SqlValue = string | number | bigint | boolean | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlReader {
  /** Each `?` is one of `values`. */
  all(statement: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Names of tables. */
  tables(): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/**
 * Opens a database for reading, also while a training writes it: it takes the locks of SQLite.
 * @throws DaisError `invalid_request` when the file is not a readable SQLite database
 */
export async function openSqlite(file: string): Promise<SqlReader> {
  const { DatabaseSync } = await import('node:sqlite');
  let database: InstanceType<typeof DatabaseSync>;
  try {
    const open = (readOnly: boolean) => {
      const opened = new DatabaseSync(file, { readOnly, timeout: LOCK_PATIENCE_MS });
      opened.prepare('select count(*) from sqlite_master').get();
      return opened;
    };
    try {
      database = open(true);
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== NEEDS_ROLLBACK) throw error;
      // A training that was killed in a transaction: the first process that may write rolls it back.
      open(false).close();
      database = open(true);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  const all = (statement: string, values: readonly SqlValue[] = []) => {
    try {
      const parameters = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
      const prepared = database.prepare(statement);
      // Numbers beyond 2^53 would be errors otherwise.
      prepared.setReadBigInts(true);
      return prepared.all(...parameters).map((row) => plainRow(row as SqlRow));
    } catch (error) {
      throw unreadable(file, error);
    }
  };
  return {
    all: async (statement, values) => all(statement, values),
    tables: async () => {
      const rows = all("select name from sqlite_master where type = 'table'");
      return new Set(rows.map(({ name }) => (typeof name === 'string' ? name : '')));
    },
    close: async () => database.close(),
  };
}

function unreadable(file: string, error: unknown): DaisError {
  const detail = `${file} is not a readable SQLite database: ${(error as Error).message}. If another process keeps it locked, retry later.`;
  return new DaisError('invalid_request', detail, { cause: error });
}

function plainRow(row: SqlRow): SqlRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
    ]),
  );
}

/** @throws DaisError `upstream_failed`. The error omits the URL, which contains a password. */
export async function openPostgres(url: string): Promise<SqlReader> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, application_name: 'dais import' });
  // Without a listener, a connection that breaks while idle would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('set default_transaction_read_only = on');
  } catch (error) {
    const { hostname } = new URL(url);
    throw new DaisError(
      'upstream_failed',
      `The database at ${hostname} refused the connection: ${(error as Error).message}.`,
      {
        cause: error,
      },
    );
  }
  return {
    all: async (statement, values = []) => {
      let position = 0;
      const text = statement.replaceAll('?', () => `$${++position}`);
      return (await client.query<SqlRow>(text, [...values])).rows;
    },
    tables: async () => {
      const { rows } = await client.query<{ name: string }>(
        'select table_name as name from information_schema.tables where table_schema = any(current_schemas(false))',
      );
      return new Set(rows.map(({ name }) => name));
    },
    close: async () => await client.end(),
  };
}
