/** A database that is only read. */
import { DaisError } from '@dais/api';

export type SqlValue = string | number | bigint | boolean | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlReader {
  /** Each `?` is one of `values`. */
  all(statement: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Names of tables. */
  tables(): Promise<ReadonlySet<string>>;
  close(): Promise<void>;
}

/** @throws DaisError `not_found` when there is no such file, `invalid_request` when it is none of SQLite. */
export async function openSqlite(file: string): Promise<SqlReader> {
  const { Database } = (await import('node-sqlite3-wasm')).default;
  let database: InstanceType<typeof Database>;
  try {
    database = new Database(file, { readOnly: true, fileMustExist: true });
    database.get('select count(*) from sqlite_master');
  } catch (error) {
    const detail = `${file} is not a readable SQLite database: ${(error as Error).message}.`;
    throw new DaisError(
      'invalid_request',
      `${detail} The file must exist and its folder must be writable for the lock.`,
      {
        cause: error,
      },
    );
  }
  return {
    all: async (statement, values = []) => database.all(statement, [...values]) as unknown as SqlRow[],
    tables: async () => {
      const rows = database.all("select name from sqlite_master where type = 'table'") as unknown as SqlRow[];
      return new Set(rows.map(({ name }) => (typeof name === 'string' ? name : '')));
    },
    close: async () => database.close(),
  };
}

/** @throws DaisError `upstream_failed`. The address, which holds a password, is never told. */
export async function openPostgres(url: string): Promise<SqlReader> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, application_name: 'dais import' });
  // Without a listener, a connection that breaks while nothing is asked would end the process.
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
