/** The database engine, and what administrators do with a database; see compose.ts. */
import type { exportDatabase as exportRows } from '#engines/database/archive/export-database.ts';
import type { importDatabase as importRows } from '#engines/database/archive/import-database.ts';
import type { ConnectionOptions, Database, Slice } from '#engines/database/contract.ts';
import type { DatabaseOptions } from '#engines/database/database.ts';
import type { MigrateOptions } from '#engines/database/migrate.ts';

export async function openDatabase(connection: ConnectionOptions, options: DatabaseOptions): Promise<Database> {
  return (await import('#engines/database/database.ts')).openDatabase(connection, options);
}

export async function migrate(
  connection: ConnectionOptions,
  slices: readonly Slice[],
  programVersion: string,
  options: MigrateOptions,
): Promise<readonly string[]> {
  return await (await import('#engines/database/migrate.ts')).migrate(connection, slices, programVersion, options);
}

/** See the engine: whether this program still fits the database. */
export async function schemaState(
  database: Database,
  slices: readonly Slice[],
  programVersion: string,
): Promise<readonly string[]> {
  return await (await import('#engines/database/schema-state.ts')).schemaState(database, slices, programVersion);
}

export async function exportDatabase(...args: Parameters<typeof exportRows>): ReturnType<typeof exportRows> {
  return await (await import('#engines/database/archive/export-database.ts')).exportDatabase(...args);
}

export async function importDatabase(...args: Parameters<typeof importRows>): ReturnType<typeof importRows> {
  return await (await import('#engines/database/archive/import-database.ts')).importDatabase(...args);
}

/** The source and the user of an embedded PostgreSQL. */
export interface PostgresLocation {
  readonly folder: string;
  readonly cacheFolder: string;
  readonly postgresBin?: string;
}

/** @throws DaisError `database_setup` when there are none for this platform or they do not run. */
export async function findPostgres({ folder, cacheFolder, postgresBin }: PostgresLocation) {
  const [{ findBinaries }, { chooseServerUser }] = await Promise.all([
    import('#engines/database/embedded/binaries.ts'),
    import('#engines/database/embedded/server-user.ts'),
  ]);
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return await findBinaries({ postgresBin, cacheFolder, user: await chooseServerUser(`${folder}/cluster`, self) });
}
