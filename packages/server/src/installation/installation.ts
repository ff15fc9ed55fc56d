/** The pieces of an installation, opened by an administrator's command instead of by a running server. */
import { DaisError } from '@dais/api/errors';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { ConnectionOptions, Database, Slice } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { readServerFile } from '#supervisor/server-file.ts';
import { openOutbound } from '#control/open-outbound.ts';
import { databaseEngines, loadKinds, loadSlices } from '#compose.ts';
import { openDatabase } from '#compose/database.ts';
import { childEnvironment, type ResolvedConfig } from '#config-load.ts';
import { openBlobs, openKeys } from '#compose/open-stores.ts';
import { hasCluster, postgresLocation } from './postgres-location.ts';
import { programVersion } from '#version.ts';

export interface Installation {
  readonly connection: ConnectionOptions;
  readonly database: Database;
  readonly slices: readonly Slice[];
  readonly blobs: BlobStore;
  readonly keys: KeyStore;
}

/**
 * Opens the storage of a configuration for the duration of `work`. `beside`: connects to the database of a server that
 * runs on the data folder; otherwise a running server is an error.
 * @throws DaisError `data_locked`, and the errors of the engines.
 */
export async function withInstallation<T>(
  config: ResolvedConfig,
  log: Log,
  options: { readonly beside: boolean },
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
  const outbound = await openOutbound(config.outbound, programVersion());
  const around = { dataFolder: config.data, clock: systemClock, log, environment: childEnvironment(), outbound };
  const keys = await openKeys(config.keys, around);
  const { kinds } = await loadKinds({ keys, outbound, clock: systemClock });
  const slices = await loadSlices(kinds);
  const server = await openServer(config, options.beside);
  try {
    const database = await openDatabase(server.connection, { applicationName: 'dais admin' });
    try {
      const blobs = await openBlobs(config.blobs, around);
      try {
        return await work({ connection: server.connection, database, slices, blobs, keys });
      } finally {
        await blobs.close();
      }
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
    await keys.close();
    await outbound.close();
  }
}

/** @throws DaisError `data_locked`. */
export async function refuseRunningServer(config: ResolvedConfig): Promise<void> {
  const running = await readServerFile(config.data);
  if (running === undefined) return;
  throw new DaisError('data_locked', `Stop the server first: process ${running.pid} runs on ${config.data}.`);
}

/** A command that only reads must not create a database. @throws DaisError `file_not_found`. */
export async function requireInstallation(config: ResolvedConfig): Promise<void> {
  if (config.database.url !== undefined || (await hasCluster(config))) return;
  throw new DaisError(
    'file_not_found',
    `${config.data} contains no database of Dais. Name the data folder of the server with --data.`,
  );
}

async function openServer(config: ResolvedConfig, beside: boolean) {
  const { url } = config.database;
  if (!beside) await refuseRunningServer(config);
  const running = await readServerFile(config.data);
  if (url !== undefined) return await (await databaseEngines.postgres({ url })).start();
  // The server of the folder owns the database; every user with access to the folder can use its socket.
  if (running?.database !== undefined) return { connection: running.database, stop: async () => {} };
  return await (await databaseEngines.embedded(postgresLocation(config))).start();
}
