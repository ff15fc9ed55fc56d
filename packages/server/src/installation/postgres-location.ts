import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findPostgres, type PostgresLocation } from '#compose/database.ts';
import type { ResolvedConfig } from '#config-load.ts';

/** Returns the location of the embedded database of a configuration. */
export function postgresLocation({ data, database }: ResolvedConfig): PostgresLocation {
  const { postgresBin, archive } = database;
  return {
    folder: join(data, 'postgres'),
    cacheFolder: join(data, 'cache'),
    ...(postgresBin !== undefined && { postgresBin }),
    ...(archive !== undefined && { archive: { pendingMb: archive.pendingMb } }),
  };
}

/** Returns whether a start has created the embedded database. */
export async function hasCluster(config: ResolvedConfig): Promise<boolean> {
  return await stat(join(postgresLocation(config).folder, 'cluster', 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

export interface PostgresVersion {
  /** `17.8` */
  readonly version: string;
  readonly major: number;
}

/** The PostgreSQL that `dais up` would run, after trying that it runs. @throws DaisError `database_setup`. */
export async function postgresBinaries(config: ResolvedConfig): Promise<PostgresVersion> {
  const { version, major } = await findPostgres(postgresLocation(config));
  return { version, major };
}
