/** Sign-in at clouds and at Vault, from the configuration and the variables of their tools. */
import { DaisError, type ConfigSpec } from '@dais/api';
import type { AzureCredentials } from '#engines/blobs/azure/azure-access.ts';
import type { VaultOptions, VaultSignIn } from '#engines/keys/vault/vault-access.ts';
import { SignInError, type AccessTokens } from '#lib/cloud/access-token.ts';
import type { GoogleCredentials } from '#lib/cloud/google-credentials.ts';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

type AzureBlobs = Extract<ConfigSpec['blobs'], { type: 'azure' }>;
type Vault = Extract<ConfigSpec['keys'], { type: 'vault' | 'vault-kv' }>;

interface SignInEnvironment {
  readonly clock: Clock;
  readonly outbound: Outbound;
  /** The variables of the process, without those of Dais. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Where Kubernetes stores the token of the service account of a pod. */
const POD_TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

export async function azureCredentials(
  { accountKey, sasToken, clientId }: AzureBlobs,
  around: SignInEnvironment,
): Promise<AzureCredentials> {
  if (accountKey !== undefined) return { accountKey };
  if (sasToken !== undefined) return { sasToken };
  return { tokens: await azureSignIn('https://storage.azure.com', clientId, around) };
}

export async function azureSignIn(
  resource: string,
  clientId: string | undefined,
  { outbound, clock, environment }: SignInEnvironment,
): Promise<AccessTokens> {
  const { azureTokens } = await import('#lib/cloud/azure-tokens.ts');
  const identity = clientId === undefined ? {} : { clientId };
  return azureTokens({ outbound, now: () => clock.now(), environment, resource, ...identity });
}

/** @throws DaisError `invalid_config` when the credentials file cannot be used. */
export async function googleSignIn(
  section: 'blobs' | 'keys',
  file: string | undefined,
  scope: string,
  { outbound, clock, environment }: SignInEnvironment,
): Promise<GoogleCredentials> {
  const { googleCredentials } = await import('#lib/cloud/google-credentials.ts');
  const named = file === undefined ? {} : { file };
  try {
    return await googleCredentials({ outbound, now: () => clock.now(), environment, scope, ...named });
  } catch (error) {
    if (!(error instanceof SignInError)) throw error;
    const issues = [{ path: `spec.${section}.credentialsFile`, message: error.message }];
    throw new DaisError('invalid_config', error.message, { issues });
  }
}

/** @throws DaisError `invalid_config` without a sign-in, or with several. */
export function vaultOptions(config: Vault, { outbound, clock, environment }: SignInEnvironment): VaultOptions {
  const { address, namespace, timeoutSeconds } = config;
  const signIn = vaultSignIn(config, environment);
  const timeoutMs = timeoutSeconds * 1000;
  return { outbound, clock, address, signIn, timeoutMs, ...(namespace !== undefined && { namespace }) };
}

function vaultSignIn(config: Vault, environment: SignInEnvironment['environment']): VaultSignIn {
  const { token, tokenFile, roleId, secretId, kubernetesRole, authMount } = config;
  const chosen: VaultSignIn[] = [];
  if (token !== undefined) chosen.push({ token });
  if (tokenFile !== undefined) chosen.push({ tokenFile });
  if (roleId !== undefined && secretId !== undefined) chosen.push({ roleId, secretId, mount: authMount ?? 'approle' });
  if (kubernetesRole !== undefined) {
    chosen.push({ kubernetesRole, jwtFile: POD_TOKEN_FILE, mount: authMount ?? 'kubernetes' });
  }
  const fallback = environment['VAULT_TOKEN'];
  if (chosen.length === 0 && fallback !== undefined && fallback !== '') chosen.push({ token: fallback });
  const [signIn, another] = chosen;
  if (signIn !== undefined && another === undefined) return signIn;
  const detail = `keys of the type ${config.type} need exactly one sign-in: token, tokenFile, roleId with secretId, or kubernetesRole`;
  throw new DaisError('invalid_config', detail, { issues: [{ path: 'spec.keys', message: detail }] });
}
