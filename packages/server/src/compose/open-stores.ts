/** Opens the engines of a configuration. */
import type { ConfigSpec } from '@dais/api';
import type { BlobStore, NamedObjects } from '#engines/blobs/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { archiveStores, blobEngines, keyEngines, taskStores, type EngineEnvironment } from './engines.ts';

/** @throws DaisError `invalid_config`. */
export async function openKeys(config: ConfigSpec['keys'], around: EngineEnvironment): Promise<KeyStore> {
  // The table has one function per type with its own parameter type; the cast is valid for each entry.
  const open = keyEngines[config.type] as (config: ConfigSpec['keys'], around: EngineEnvironment) => Promise<KeyStore>;
  return await open(config, around);
}

/** @throws DaisError `blobs_unavailable`, `storage_full`. */
export async function openBlobs(config: ConfigSpec['blobs'], around: EngineEnvironment): Promise<BlobStore> {
  const open = blobEngines[config.type] as (
    config: ConfigSpec['blobs'],
    around: EngineEnvironment,
  ) => Promise<BlobStore>;
  return await open(config, around);
}

export type ArchiveConfig = NonNullable<ConfigSpec['database']['archive']>;

/** Opens the store of the database archive; nothing is sent before the first call. */
export async function openArchiveStore(
  config: ArchiveConfig['store'],
  around: EngineEnvironment,
): Promise<NamedObjects> {
  const open = archiveStores[config.type] as (
    config: ArchiveConfig['store'],
    around: EngineEnvironment,
  ) => Promise<NamedObjects>;
  return await open(config, around);
}

/** Opens the store of what tasks on other machines exchange with Dais; nothing is sent before the first call. */
export async function openTaskStore(config: ConfigSpec['blobs'], around: EngineEnvironment): Promise<NamedObjects> {
  const open = taskStores[config.type] as (
    config: ConfigSpec['blobs'],
    around: EngineEnvironment,
  ) => Promise<NamedObjects>;
  return await open(config, around);
}
