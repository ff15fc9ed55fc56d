/** The lists of engines that hold content and keys; see compose.ts. */
import { join } from 'node:path';
import type { ConfigSpec } from '@dais/api';
import type { BlobStore, NamedObjects } from '#engines/blobs/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { azureCredentials, azureSignIn, googleSignIn, vaultOptions } from './cloud-sign-in.ts';

type Keys = ConfigSpec['keys'];
type Blobs = ConfigSpec['blobs'];

/** What the engines of one process share. */
export interface EngineEnvironment {
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The environment that programs of the operator run in. */
  readonly environment: Readonly<Record<string, string>>;
  /** Carries the requests of SDKs, which know no proxy by themselves. */
  readonly outbound: Outbound;
}

/** The stores of the keys that seal secrets, by `spec.keys.type`. */
export const keyEngines = {
  file: async (config: Extract<Keys, { type: 'file' }>, { dataFolder, clock, log }: EngineEnvironment) =>
    await (
      await import('#engines/keys/file/file-keys.ts')
    ).openFileKeys({
      folder: config.folder ?? '',
      dataFolder,
      now: () => clock.now(),
      announce: (message) => log.info(message),
    }),
  env: async (config: Extract<Keys, { type: 'env' }>) =>
    (await import('#engines/keys/env/env-keys.ts')).openEnvKeys(config.values),
  command: async (config: Extract<Keys, { type: 'command' }>, { environment, log }: EngineEnvironment) =>
    (await import('#engines/keys/command/command-keys.ts')).openCommandKeys({
      command: config.command as [string, ...string[]],
      env: environment,
      timeoutMs: config.timeoutSeconds * 1000,
      log: (line) => log.warn(line),
    }),
  kms: async (config: Extract<Keys, { type: 'kms' }>, { outbound }: EngineEnvironment) => {
    const { createSmithyHandler } = await import('#lib/outbound/smithy-handler.ts');
    const timeoutMs = config.timeoutSeconds * 1000;
    return (await import('#engines/keys/kms/kms-keys.ts')).openKmsKeys({
      requestHandler: createSmithyHandler(outbound, { totalMs: timeoutMs }),
      timeoutMs,
      keys: config.keys as [string, ...string[]],
      region: config.region,
      ...(config.endpoint !== undefined && { endpoint: config.endpoint }),
    });
  },
  vault: async (config: Extract<Keys, { type: 'vault' }>, around: EngineEnvironment) =>
    (await import('#engines/keys/vault/vault-keys.ts')).openVaultKeys({
      ...vaultOptions(config, around),
      mount: config.mount,
      keys: config.keys as [string, ...string[]],
    }),
  'vault-kv': async (config: Extract<Keys, { type: 'vault-kv' }>, around: EngineEnvironment) => {
    const { mount, path, field } = config;
    const { readVaultSecret } = await import('#engines/keys/vault/vault-secret.ts');
    const values = await readVaultSecret({ ...vaultOptions(config, around), mount, path, field });
    return (await import('#engines/keys/env/env-keys.ts')).openEnvKeys(values);
  },
  'google-kms': async (config: Extract<Keys, { type: 'google-kms' }>, around: EngineEnvironment) => {
    const { endpoint, keys, timeoutSeconds } = config;
    const { outbound, clock } = around;
    const scope = 'https://www.googleapis.com/auth/cloudkms';
    const { tokens } = await googleSignIn('keys', config.credentialsFile, scope, around);
    return (await import('#engines/keys/google-kms/google-kms-keys.ts')).openGoogleKmsKeys({
      outbound,
      clock,
      tokens,
      keys: keys as [string, ...string[]],
      timeoutMs: timeoutSeconds * 1000,
      ...(endpoint !== undefined && { endpoint }),
    });
  },
  'azure-key-vault': async (config: Extract<Keys, { type: 'azure-key-vault' }>, around: EngineEnvironment) => {
    const { openAzureVaultKeys, vaultResource } = await import('#engines/keys/azure-vault/azure-vault-keys.ts');
    const [first = '', ...rest] = config.keys;
    const tokens = await azureSignIn(vaultResource(first), config.clientId, around);
    const { outbound, clock } = around;
    const timeoutMs = config.timeoutSeconds * 1000;
    return openAzureVaultKeys({ outbound, clock, tokens, keys: [first, ...rest], timeoutMs });
  },
} as const;

/** The stores of content, by `spec.blobs.type`. */
export const blobEngines = {
  fs: async (config: Extract<Blobs, { type: 'fs' }>, { clock }: EngineEnvironment): Promise<BlobStore> =>
    await (await import('#engines/blobs/fs/fs-blob-store.ts')).openFsBlobStore({ root: config.folder ?? '', clock }),
  s3: async (config: Extract<Blobs, { type: 's3' }>, around: EngineEnvironment): Promise<BlobStore> =>
    (await import('#engines/blobs/s3/s3-blob-store.ts')).openS3BlobStore(await s3Options(config, around), around.clock),
  azure: async (config: Extract<Blobs, { type: 'azure' }>, around: EngineEnvironment): Promise<BlobStore> =>
    (await import('#engines/blobs/azure/azure-blob-store.ts')).openAzureBlobStore(await azureOptions(config, around)),
  gcs: async (config: Extract<Blobs, { type: 'gcs' }>, around: EngineEnvironment): Promise<BlobStore> =>
    (await import('#engines/blobs/gcs/gcs-blob-store.ts')).openGcsBlobStore(await gcsOptions(config, around)),
} as const;

type Archive = NonNullable<ConfigSpec['database']['archive']>['store'];

/** The stores of the database archive, by `spec.database.archive.store.type`. */
export const archiveStores = {
  fs: async (config: Extract<Archive, { type: 'fs' }>): Promise<NamedObjects> =>
    (await import('#engines/blobs/fs/fs-named-objects.ts')).openFsNamedObjects(config.folder),
  s3: async (config: Extract<Archive, { type: 's3' }>, around: EngineEnvironment): Promise<NamedObjects> =>
    (await import('#engines/blobs/s3/s3-named-objects.ts')).openS3NamedObjects(
      await s3Options(config, around),
      'archive',
    ),
} as const;

/** Bytes that files of tasks leave free on the disk of a folder: the database and content may be on it. */
const MIN_FREE_BYTES = 64 * 2 ** 20;

/** The stores of what tasks on other machines exchange with Dais, by `spec.blobs.type`: next to the content, which does not list them. */
export const taskStores = {
  fs: async (config: Extract<Blobs, { type: 'fs' }>): Promise<NamedObjects> =>
    (await import('#engines/blobs/fs/fs-named-objects.ts')).openFsNamedObjects(join(config.folder ?? '', 'tasks'), {
      minFreeBytes: MIN_FREE_BYTES,
    }),
  s3: async (config: Extract<Blobs, { type: 's3' }>, around: EngineEnvironment): Promise<NamedObjects> =>
    (await import('#engines/blobs/s3/s3-named-objects.ts')).openS3NamedObjects(
      await s3Options(config, around),
      'tasks',
    ),
  azure: async (config: Extract<Blobs, { type: 'azure' }>, around: EngineEnvironment): Promise<NamedObjects> =>
    (await import('#engines/blobs/azure/azure-named-objects.ts')).openAzureNamedObjects(
      await azureOptions(config, around),
      'tasks',
    ),
  gcs: async (config: Extract<Blobs, { type: 'gcs' }>, around: EngineEnvironment): Promise<NamedObjects> =>
    (await import('#engines/blobs/gcs/gcs-named-objects.ts')).openGcsNamedObjects(
      await gcsOptions(config, around),
      'tasks',
    ),
} as const;

async function s3Options(config: Extract<Blobs, { type: 's3' }>, { outbound }: EngineEnvironment) {
  const { createSmithyHandler, TRANSFER_TIMEOUTS } = await import('#lib/outbound/smithy-handler.ts');
  const { accessKeyId, secretAccessKey, bucket, region, prefix, pathStyle, endpoint } = config;
  const credentials = accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {};
  const address = endpoint === undefined ? {} : { endpoint };
  const requestHandler = createSmithyHandler(outbound, TRANSFER_TIMEOUTS);
  return { bucket, region, prefix, pathStyle, requestHandler, ...address, ...credentials };
}

async function azureOptions(config: Extract<Blobs, { type: 'azure' }>, around: EngineEnvironment) {
  const { account, container, prefix, endpoint } = config;
  const { clock, outbound } = around;
  const credentials = await azureCredentials(config, around);
  return { account, container, prefix, outbound, clock, credentials, ...(endpoint !== undefined && { endpoint }) };
}

async function gcsOptions(config: Extract<Blobs, { type: 'gcs' }>, around: EngineEnvironment) {
  const { bucket, prefix, endpoint, credentialsFile } = config;
  const { clock, outbound } = around;
  const scope = 'https://www.googleapis.com/auth/devstorage.read_write';
  const credentials = await googleSignIn('blobs', credentialsFile, scope, around);
  return { bucket, prefix, outbound, clock, credentials, ...(endpoint !== undefined && { endpoint }) };
}
