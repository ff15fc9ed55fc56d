/** The database engine, and what administrators do with a database; see compose.ts. */
import type { exportDatabase as exportRows } from '#engines/database/archive/export-database.ts';
import type { importDatabase as importRows } from '#engines/database/archive/import-database.ts';
import type { ConnectionOptions, Database, Slice } from '#engines/database/contract.ts';
import type { DatabaseOptions } from '#engines/database/database.ts';
import type { MigrateOptions } from '#engines/database/migrate.ts';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import type { ArchiveContents } from '#engines/database/recovery/archive-contents.ts';
import type { ArchiverOptions, DatabaseArchiver } from '#engines/database/recovery/database-archiver.ts';
import type { RecoveredDatabase, RecoverOptions } from '#engines/database/recovery/recover-database.ts';

export type { ArchiverState } from '#engines/database/recovery/database-archiver.ts';
export type { ArchiveContents };

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
  readonly archive?: { readonly pendingMb: number };
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

export async function openArchiver(options: ArchiverOptions): Promise<DatabaseArchiver> {
  const { DatabaseArchiver: Archiver } = await import('#engines/database/recovery/database-archiver.ts');
  return new Archiver(options);
}

/** Ends an archive that is no longer configured. Returns whether there was one. */
export async function endArchive(connection: ConnectionOptions, cluster: string): Promise<boolean> {
  const { hasArchiveSlot } = await import('#engines/database/embedded/archive-slot.ts');
  if (!(await hasArchiveSlot(cluster))) return false;
  return await (await import('#engines/database/recovery/database-archiver.ts')).endArchive(connection);
}

/** The archives in a store, by installation. */
export async function readArchive(store: NamedObjects): Promise<ReadonlyMap<string, ArchiveContents>> {
  return await (await import('#engines/database/recovery/archive-contents.ts')).readArchive(store);
}

export async function recoverDatabase(options: RecoverOptions): Promise<RecoveredDatabase> {
  return await (await import('#engines/database/recovery/recover-database.ts')).recoverDatabase(options);
}

/** See the engine: what a copy of a database must not share with the original. */
export async function divergeCopy(connection: ConnectionOptions, slices: readonly Slice[]): Promise<void> {
  await (await import('#engines/database/recovery/diverge-copy.ts')).divergeCopy(connection, slices);
}
