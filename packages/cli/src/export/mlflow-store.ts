/**
 * The database of an MLflow server in its own schema. MLflow creates the tables: every version gets exactly the values
 * for which it has a table or a column.
 */
import { DaisError } from '@dais/api';

type Value = string | number | bigint | null;
export type Row = Readonly<Record<string, Value>>;

/** Type of node-sqlite3-wasm. */
interface Statement {
  run(values: readonly Value[]): unknown;
  finalize(): void;
}
interface SqliteDatabase {
  exec(sql: string): void;
  all(sql: string, values?: readonly Value[]): Record<string, unknown>[];
  prepare(sql: string): Statement;
  close(): void;
}

export class MlflowStore {
  readonly #database: SqliteDatabase;
  /** Columns of each table; empty when this version has no such table. */
  readonly #columns = new Map<string, readonly string[]>();
  readonly #statements = new Map<string, Statement>();

  private constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /**
   * @throws DaisError `invalid_state` when MLflow has not created its tables there.
   */
  static async open(file: string): Promise<MlflowStore> {
    const { Database } = (await import('node-sqlite3-wasm')).default;
    let database: SqliteDatabase;
    try {
      database = new Database(file, { fileMustExist: true }) as unknown as SqliteDatabase;
    } catch (error) {
      throw notMade(file, error);
    }
    const store = new MlflowStore(database);
    if (store.#columnsOf('runs').length === 0) {
      database.close();
      throw notMade(file);
    }
    // Rows are replaced: with foreign keys, dependent rows of the previous one would be deleted.
    database.exec('pragma foreign_keys = off');
    return store;
  }

  /** Inserts or replaces a row. */
  put(table: string, row: Row): void {
    const columns = this.#columnsOf(table).filter((column) => row[column] !== undefined);
    if (columns.length === 0) return;
    const text = `insert or replace into "${table}" (${columns.map((one) => `"${one}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`;
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    statement.run(columns.map((column) => row[column] ?? null));
  }

  /** Whether this version has such a column. */
  has(table: string, column: string): boolean {
    return this.#columnsOf(table).includes(column);
  }

  /** All rows of `work`, or none. */
  together(work: () => void): void {
    this.#database.exec('begin');
    try {
      work();
      this.#database.exec('commit');
    } catch (error) {
      this.#database.exec('rollback');
      throw error;
    }
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#database.close();
  }

  #columnsOf(table: string): readonly string[] {
    const known = this.#columns.get(table);
    if (known !== undefined) return known;
    const columns = this.#database
      .all('select name from pragma_table_info(?)', [table])
      .map(({ name }) => name as string);
    this.#columns.set(table, columns);
    return columns;
  }
}

function notMade(file: string, cause?: unknown): DaisError {
  return new DaisError(
    'invalid_state',
    `${file} contains no MLflow store. Create an empty one first: MLFLOW_TRACKING_URI=sqlite:///${file} mlflow experiments search`,
    { cause },
  );
}
