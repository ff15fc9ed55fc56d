/** Configuration of the stores for content and keys, of this machine and of clouds. */
import { z } from 'zod';
import { httpUrl, path, secret } from './values.ts';

const googleCredentialsFile = path
  .optional()
  .describe(
    'Credentials file of Google Cloud, such as the key of a service account. Default: `GOOGLE_APPLICATION_CREDENTIALS`, else the service account of the machine or pod.',
  );

const azureClientId = z
  .string()
  .min(1)
  .max(256)
  .optional()
  .describe('Client ID of a user-assigned identity. Default: `AZURE_CLIENT_ID`.');

export const blobsConfig = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('fs').describe('Folder on this machine.'),
      folder: path.optional().describe('Default: `blobs` in the data folder.'),
    }),
    z.strictObject({
      type: z.literal('s3').describe('Bucket of S3 or of an S3-compatible server.'),
      bucket: z.string().min(1).max(255).describe('Name of the bucket; it must exist.'),
      region: z.string().min(1).max(64).default('us-east-1').describe('Region of the service.'),
      endpoint: httpUrl.optional().describe('Default: the AWS endpoint of the region.'),
      prefix: z.string().max(512).default('').describe('Prefix of every key, for a shared bucket.'),
      pathStyle: z
        .boolean()
        .default(false)
        .describe('Path-style URLs (bucket in the path). Most servers other than AWS need it.'),
      accessKeyId: z.string().min(1).max(256).optional().describe('Default: the chain of the AWS SDK.'),
      secretAccessKey: z.string().min(1).max(1024).optional().meta(secret).describe('Together with `accessKeyId`.'),
    }),
    z.strictObject({
      type: z.literal('azure').describe('Container of Azure Blob Storage.'),
      account: z
        .string()
        .regex(/^[a-z0-9]{3,24}$/, { message: '3 to 24 lower-case letters and digits' })
        .describe('Name of the storage account.'),
      container: z
        .string()
        .regex(/^[a-z0-9](?:-?[a-z0-9]){2,62}$/, { message: '3 to 63 lower-case letters, digits and single dashes' })
        .describe('Name of the container; it must exist.'),
      endpoint: httpUrl
        .optional()
        .describe(
          'URL of the blob service, for other clouds and emulators. Default: `https://ACCOUNT.blob.core.windows.net`.',
        ),
      prefix: z.string().max(512).default('').describe('Prefix of every name, for a shared container.'),
      accountKey: z
        .base64()
        .min(4)
        .max(1024)
        .optional()
        .meta(secret)
        .describe('Key of the account. Default: `sasToken`, else a workload or managed identity.'),
      sasToken: z
        .string()
        .max(4096)
        .regex(/(?:^|[?&])sig=/, { message: 'a SAS token with `sig=`' })
        .optional()
        .meta(secret)
        .describe('SAS token of the container or the account, with the permissions `racwdl`.'),
      clientId: azureClientId,
    }),
    z.strictObject({
      type: z.literal('gcs').describe('Bucket of Google Cloud Storage.'),
      bucket: z.string().min(3).max(222).describe('Name of the bucket; it must exist.'),
      endpoint: httpUrl
        .optional()
        .describe(
          'URL of the service, for a private endpoint or an emulator. Default: `https://storage.googleapis.com`.',
        ),
      prefix: z.string().max(512).default('').describe('Prefix of every name, for a shared bucket.'),
      credentialsFile: googleCredentialsFile,
    }),
  ])
  .describe('The blob store for content.');

const keyTimeout = z.int().min(1).max(300).default(10).describe('Timeout of one call.');

/** Address and sign-in of Vault: one of `token`, `tokenFile`, `roleId` with `secretId`, `kubernetesRole`. */
const vault = {
  address: httpUrl.describe('Address of Vault or OpenBao.'),
  namespace: z.string().min(1).max(256).optional().describe('Namespace. Default: the root namespace.'),
  token: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta(secret)
    .describe('Token. Default: `VAULT_TOKEN`, if no other sign-in is configured. Dais does not renew it.'),
  tokenFile: path.optional().describe('File with the token that a Vault Agent keeps valid.'),
  roleId: z.string().min(1).max(256).optional().describe('Role ID of an AppRole.'),
  secretId: z.string().min(1).max(1024).optional().meta(secret).describe('Secret ID, together with `roleId`.'),
  kubernetesRole: z.string().min(1).max(256).optional().describe('Role for the service account of the pod.'),
  authMount: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Mount of the auth method. Default: `approle` or `kubernetes`.'),
  timeoutSeconds: keyTimeout,
};

export const keysConfig = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('file').describe('A folder outside the data folder, readable by its owner only.'),
      folder: path
        .optional()
        .describe('Default: `/etc/dais/keys` for root, else `dais/keys` in the user’s configuration folder.'),
    }),
    z.strictObject({
      type: z.literal('env').describe('Keys in this configuration, usually from `DAIS_KEYS_VALUES`.'),
      values: z
        .string()
        .min(1)
        .max(16_384)
        .meta(secret)
        .describe('`id:base64`, the current key first, separated by commas; a key is 32 random bytes.'),
    }),
    z.strictObject({
      type: z
        .literal('command')
        .describe('A program that wraps and unwraps keys, for example the client of an HSM or a vault.'),
      command: z
        .array(z.string().max(4096))
        .min(1)
        .max(64)
        .describe('Absolute path of the program, then its arguments.'),
      timeoutSeconds: z.int().min(1).max(300).default(10).describe('Timeout of one call.'),
    }),
    z.strictObject({
      type: z.literal('kms').describe('AWS KMS or a compatible server.'),
      keys: z
        .array(z.string().min(1).max(2048))
        .min(1)
        .max(16)
        .describe('Key ARNs, ids or `alias/NAME`; current first.'),
      region: z.string().min(1).max(64).default('us-east-1').describe('Region of the service.'),
      endpoint: httpUrl.optional().describe('Default: the AWS endpoint of the region.'),
      timeoutSeconds: keyTimeout,
    }),
    z.strictObject({
      type: z.literal('vault').describe('Transit engine of HashiCorp Vault or OpenBao.'),
      mount: z.string().min(1).max(128).default('transit').describe('Mount of the transit engine.'),
      keys: z
        .array(z.string().regex(/^[\w.-]{1,100}$/, { message: 'letters, digits, `.`, `_` and `-`' }))
        .min(1)
        .max(16)
        .describe('Names of keys of the type `aes256-gcm96`; current first.'),
      ...vault,
    }),
    z.strictObject({
      type: z.literal('vault-kv').describe('Keys in a secret of the KV engine, version 2, of Vault or OpenBao.'),
      mount: z.string().min(1).max(128).default('secret').describe('Mount of the KV engine.'),
      path: z.string().min(1).max(512).describe('Path of the secret in the mount.'),
      field: z
        .string()
        .min(1)
        .max(128)
        .default('keys')
        .describe('Field of the secret: `id:base64`, the current key first, separated by commas.'),
      ...vault,
    }),
    z.strictObject({
      type: z.literal('google-kms').describe('Google Cloud KMS.'),
      keys: z
        .array(
          z.string().regex(/^projects\/[^/\s]+\/locations\/[^/\s]+\/keyRings\/[^/\s]+\/cryptoKeys\/[^/\s]+$/, {
            message: '`projects/P/locations/L/keyRings/R/cryptoKeys/K`',
          }),
        )
        .min(1)
        .max(16)
        .describe('Resource names of keys for encryption; current first.'),
      endpoint: httpUrl.optional().describe('Default: `https://cloudkms.googleapis.com`.'),
      credentialsFile: googleCredentialsFile,
      timeoutSeconds: keyTimeout,
    }),
    z.strictObject({
      type: z.literal('azure-key-vault').describe('Azure Key Vault or Managed HSM.'),
      keys: z
        .array(
          z.url({ protocol: /^https?$/ }).regex(/^https?:\/\/[^/\s]+\/keys\/[0-9A-Za-z-]+(?:\/[0-9a-f]{32})?\/?$/, {
            message: '`https://VAULT.vault.azure.net/keys/NAME`',
          }),
        )
        .min(1)
        .max(16)
        .describe('Identifiers of RSA keys; current first. Without a version, a rotation needs no change.'),
      clientId: azureClientId,
      timeoutSeconds: keyTimeout,
    }),
  ])
  .describe(
    'The key store for the keys that encrypt secrets. Never inside the data folder and never part of a backup.',
  );
