import type { OutboundAnswer } from '#lib/outbound/outbound.ts';

const CREDENTIALS_REFUSED = new Set([
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
  'AuthorizationProtocolMismatch',
  'AuthorizationResourceTypeMismatch',
]);
const PERMISSION_MISSING = new Set(['AuthorizationPermissionMismatch', 'InsufficientAccountPermissions']);
const CONTAINER_MISSING = new Set(['ContainerNotFound', 'ContainerBeingDeleted', 'ContainerDisabled']);
const FULL = new Set(['InsufficientStorage', 'AccountCapacityExceeded']);

/** The error code of a response (`BlobNotFound`), also of a response without a body. */
export function azureCode({ headers, body }: OutboundAnswer<Buffer>): string {
  const code = headers['x-ms-error-code'] ?? /<Code>(\w+)<\/Code>/.exec(body.toString('utf8'))?.[1] ?? '';
  return /^\w{1,64}$/.test(code) ? code : '';
}

export function isBlobMissing(answer: OutboundAnswer<Buffer>): boolean {
  return answer.status === 404 && !CONTAINER_MISSING.has(azureCode(answer));
}

/** What a response means and what to change; undefined for a general message. */
export function azureRefusal(
  answer: OutboundAnswer<Buffer>,
  doing: string,
  where: string,
): { readonly detail: string; readonly full?: boolean } | undefined {
  const code = azureCode(answer);
  if (FULL.has(code) || answer.status === 507)
    return { detail: `${where} is full (${code} while ${doing})`, full: true };
  if (code === 'ContainerNotFound') {
    return { detail: `${where} does not exist: create it or correct blobs.container` };
  }
  if (CONTAINER_MISSING.has(code)) return { detail: `${where} cannot be used (${code})` };
  if (code === 'KeyBasedAuthenticationNotPermitted') {
    const remedy = 'remove blobs.accountKey and use a managed or workload identity';
    return { detail: `${where} permits no account keys (${code}): ${remedy}` };
  }
  if (CREDENTIALS_REFUSED.has(code) || answer.status === 401) {
    const remedy = 'check the account key, the expiry of the SAS token, or the identity';
    return { detail: `${where} rejected the credentials (${code}): ${remedy}` };
  }
  if (PERMISSION_MISSING.has(code)) {
    const remedy = 'assign the role Storage Blob Data Contributor, or a SAS token with the permissions racwdl';
    return { detail: `the credentials do not allow ${doing} in ${where} (${code}): ${remedy}` };
  }
  if (code === 'AuthorizationFailure') {
    const remedy = 'check the credentials, their permissions and the network rules of the account';
    return { detail: `${where} does not allow ${doing} (${code}): ${remedy}` };
  }
  if (code === 'BlobImmutableDueToPolicy') {
    return { detail: `${where} does not allow ${doing} (${code}): remove its immutability policy` };
  }
  if (answer.status === 403) return { detail: `the credentials do not allow ${doing} in ${where} (${code})` };
  return undefined;
}
