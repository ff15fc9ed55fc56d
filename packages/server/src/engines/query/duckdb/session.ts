/**
 * One DuckDB per job: in memory, with a separate file for stored steps, and locked before it reads user data: without
 * extensions and network, and with access to the files of the job only.
 */
import { DuckDBInstance, type DuckDBConnection, type DuckDBResult, type DuckDBValue } from '@duckdb/node-api';
import type { Column } from '../contract.ts';
import { QueryError } from '../model/query-error.ts';
import { columnType, isCanonical, sqlType } from './sql/column-types.ts';
import { identifier, text, textList } from './sql/sql-text.ts';
import type { JobLimits } from './wire.ts';

export interface SessionFolders {
  /** Scratch: spilled data, decompressed files, stored steps. */
  readonly folder: string;
  /** Readable files. */
  readonly files: readonly string[];
  /** Writable files. */
  readonly outputs: readonly string[];
}

/** Columns of a result, and their conversion to types of the contract. */
export interface BoundQuery {
  readonly columns: readonly Column[];
  /** The query with every column cast to its type in `columns` if it differs. */
  readonly canonical: string;
}

/** The attached file of stored steps. Its tables are compressed and evictable, unlike those of the in-memory database. */
export const STAGE = 'stage';
/**
 * The same for narrow tables: with the default block size of DuckDB, writing one takes half of the CPU and a third of the disk.
 */
const NARROW_STAGE = 'narrow';
export const STAGE_FILES = [STAGE, NARROW_STAGE].map((name) => `${name}.duckdb`);
/** Each column uses at least one block of 256 KiB. */
const NARROW = 128;

/** Tables up to this number of columns are narrow. */
export function isNarrow(columns: number): boolean {
  return columns <= NARROW;
}

/** Returns the stage for a table with this number of columns. */
export function stageOf(columns: number): string {
  return isNarrow(columns) ? NARROW_STAGE : STAGE;
}

/** Table for the invalid rows of one CSV read. Names are not reused, because counters of DuckDB survive the table. */
export interface RejectTables {
  readonly errors: string;
  readonly scans: string;
}

export class Session {
  /** Number of columns of the widest table. */
  widest = 0;
  #rejects = 0;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(locations: SessionFolders, limits: JobLimits): Promise<Session> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(limits.memoryBytes)}B`,
      threads: String(limits.threads),
      temp_directory: `${locations.folder}/spill`,
      max_temp_directory_size: `${Math.floor(limits.tempBytes)}B`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      allow_persistent_secrets: 'false',
      // With the position of an error, and suggested names.
      errors_as_json: 'true',
      extension_directory: `${locations.folder}/extensions`,
      home_directory: locations.folder,
      // The page cache of the system already contains the files.
      enable_external_file_cache: 'false',
    });
    const session = new Session(instance, await instance.connect());
    const directories = [locations.folder, ...locations.outputs].map((each) => `${each}/`);
    await session.run(
      [
        // Each column of a table uses at least one block: the default (256 KiB) means 2.6 GB for 10,000 columns.
        `ATTACH ${text(`${locations.folder}/${STAGE}.duckdb`)} AS ${STAGE} (BLOCK_SIZE 16384)`,
        `ATTACH ${text(`${locations.folder}/${NARROW_STAGE}.duckdb`)} AS ${NARROW_STAGE}`,
        `SET TimeZone = 'UTC'`,
        // Each binding of a statement would read the footers of all files again.
        'SET parquet_metadata_cache = true',
        'SET enable_progress_bar = true',
        'SET enable_progress_bar_print = false',
        `SET allowed_directories = ${textList(directories)}`,
        `SET allowed_paths = ${textList(locations.files)}`,
        // Only to read times without a zone; user SQL cannot change settings.
        `SET allowed_configs = ['TimeZone']`,
        'SET enable_external_access = false',
        'SET lock_configuration = true',
      ].join(';\n'),
    );
    return session;
  }

  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  async rows(sql: string): Promise<readonly Record<string, DuckDBValue>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects();
  }

  /** Yields chunks as they are computed: a long result is never in memory completely. */
  async stream(sql: string): Promise<DuckDBResult> {
    return await this.#connection.stream(sql);
  }

  /** @throws QueryError `query_invalid` when two columns have the same name, which files and tables do not support. */
  async bind(sql: string): Promise<BoundQuery> {
    const statement = await this.#connection.prepare(sql);
    try {
      const columns: Column[] = [];
      const selected: string[] = [];
      const seen = new Map<string, string>();
      for (let n = 0; n < statement.columnCount; n++) {
        const [name, type] = [statement.columnName(n), statement.columnType(n)];
        const other = seen.get(name.toLowerCase());
        if (other !== undefined) {
          throw new QueryError(
            'query_invalid',
            `The result has two columns \`${other}\` and \`${name}\` with the same name. Rename one with AS.`,
          );
        }
        seen.set(name.toLowerCase(), name);
        const declared = columnType(type);
        columns.push({ name, type: declared });
        const quoted = identifier(name);
        selected.push(isCanonical(type) ? quoted : `CAST(${quoted} AS ${sqlType(declared)}) AS ${quoted}`);
      }
      this.widest = Math.max(this.widest, columns.length);
      const asIs = selected.every((each, n) => each === identifier(columns[n]?.name ?? ''));
      return { columns, canonical: asIs ? sql : `SELECT ${selected.join(', ')} FROM (${sql}\n)` };
    } finally {
      statement.destroySync();
    }
  }

  rejectTables(): RejectTables {
    this.#rejects += 1;
    return { errors: `reject_errors_${this.#rejects}`, scans: `reject_scans_${this.#rejects}` };
  }

  /** 0 to 1; undefined when unknown. */
  get share(): number | undefined {
    const { percentage } = this.#connection.progress;
    return percentage < 0 ? undefined : Math.min(1, percentage / 100);
  }

  interrupt(): void {
    this.#connection.interrupt();
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}
