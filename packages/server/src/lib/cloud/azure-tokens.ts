/** Access tokens of Microsoft Entra ID, without its SDK. */
import { readFile } from 'node:fs/promises';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { AccessTokens, SignInError, type AccessToken } from './access-token.ts';
import { requestToken } from './token-request.ts';

export interface AzureSignIn {
  readonly outbound: Outbound;
  readonly now: () => number;
  /** `AZURE_*`, `IDENTITY_*`: the variables of the platform and of the SDKs. */
  readonly environment: Readonly<Record<string, string>>;
  /** `https://storage.azure.com`, `https://vault.azure.net`. */
  readonly resource: string;
  /** Client id of a user-assigned identity; default `AZURE_CLIENT_ID`. */
  readonly clientId?: string;
}

const METADATA = 'http://169.254.169.254/metadata/identity/oauth2/token';
const AUTHORITY = 'https://login.microsoftonline.com';

/**
 * In order: a federated token file (AKS workload identity), a client secret, both by the variables of the Azure SDKs; then the
 * managed identity of App Service and Container Apps, or of the virtual machine.
 */
export function azureTokens(options: AzureSignIn): AccessTokens {
  return new AccessTokens(async () => await fetchToken(options), options.now);
}

async function fetchToken(options: AzureSignIn): Promise<AccessToken> {
  const { environment } = options;
  const clientId = options.clientId ?? environment['AZURE_CLIENT_ID'];
  const file = environment['AZURE_FEDERATED_TOKEN_FILE'];
  const secret = environment['AZURE_CLIENT_SECRET'];
  const tenant = environment['AZURE_TENANT_ID'];
  if (tenant !== undefined && clientId !== undefined && file !== undefined) {
    return await byAssertion(options, tenant, {
      client_id: clientId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      // Kubernetes renews the file, so it is read each time.
      client_assertion: await readToken(file),
    });
  }
  if (tenant !== undefined && clientId !== undefined && secret !== undefined) {
    return await byAssertion(options, tenant, { client_id: clientId, client_secret: secret });
  }
  return await byManagedIdentity(options, clientId);
}

async function byAssertion(
  { outbound, now, environment, resource }: AzureSignIn,
  tenant: string,
  proof: Readonly<Record<string, string>>,
): Promise<AccessToken> {
  const authority = (environment['AZURE_AUTHORITY_HOST'] ?? AUTHORITY).replace(/\/+$/, '');
  const form = { grant_type: 'client_credentials', scope: `${resource}/.default`, ...proof };
  return await requestToken({
    outbound,
    now,
    what: `the sign-in at ${authority}`,
    remedy: 'Check AZURE_TENANT_ID and AZURE_CLIENT_ID, and the secret or the federated credential of the application.',
    request: {
      url: `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    },
  });
}

async function byManagedIdentity(options: AzureSignIn, clientId: string | undefined): Promise<AccessToken> {
  const { outbound, now, environment, resource } = options;
  const endpoint = environment['IDENTITY_ENDPOINT'];
  const header = environment['IDENTITY_HEADER'];
  const isPlatform = endpoint !== undefined && header !== undefined;
  const url = new URL(isPlatform ? endpoint : METADATA);
  url.searchParams.set('api-version', isPlatform ? '2019-08-01' : '2018-02-01');
  url.searchParams.set('resource', resource);
  if (clientId !== undefined) url.searchParams.set('client_id', clientId);
  return await requestToken({
    outbound,
    now,
    what: 'the managed identity',
    remedy: 'Assign a managed identity to this machine, or configure other credentials.',
    // The address exists on this machine only, so no proxy can reach it.
    request: {
      url: url.href,
      headers: isPlatform ? { 'x-identity-header': header } : { metadata: 'true' },
      direct: true,
    },
  });
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new SignInError(`the token file ${file} (AZURE_FEDERATED_TOKEN_FILE) cannot be read (${code})`);
  }
}
