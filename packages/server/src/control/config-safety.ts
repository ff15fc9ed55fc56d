import { DaisError } from '@dais/api/errors';
import { isLoopback } from '#lib/system/tcp-table.ts';
import type { ResolvedConfig } from '#config-load.ts';

/**
 * A server that other machines can reach requires accounts, and encryption of passwords and tokens.
 * @throws DaisError `unsafe_bind` with the missing setting.
 */
export function refuseUnsafeBind({ host, authentication, tls, trustedProxies, insecureHttp }: BindConfig): void {
  if (isLoopback(host)) return;
  if (authentication.mode !== 'accounts') {
    throw new DaisError(
      'unsafe_bind',
      `Other machines can reach ${host}, and every caller would have the permissions of the owner. Set \`authentication.mode: accounts\` (DAIS_AUTHENTICATION_MODE=accounts).`,
    );
  }
  if (tls !== undefined || trustedProxies.length > 0 || insecureHttp) return;
  throw new DaisError(
    'unsafe_bind',
    `Plain HTTP on ${host} exposes passwords and tokens to the network. Set --tls-cert and --tls-key, list the proxy that terminates TLS in \`trustedProxies\`, or accept the risk with --insecure-http.`,
  );
}

type BindConfig = Pick<ResolvedConfig, 'host' | 'authentication' | 'tls' | 'trustedProxies' | 'insecureHttp'>;

/**
 * Only file permissions restrict direct writes of artifacts, so they are limited to one owner on one machine.
 * @throws DaisError `invalid_config`.
 */
export function refuseSharedFolder({ host, authentication, tracking }: FolderConfig): void {
  if (tracking.artifactRoot === undefined) return;
  if (authentication.mode === 'solo' && isLoopback(host)) return;
  const is = authentication.mode === 'solo' ? `\`host\` is ${host}` : '`authentication.mode` is `accounts`';
  const detail =
    '`tracking.artifactRoot` lets clients write artifacts without the server, so roles, quotas and digests do not apply. It requires `authentication.mode: solo` on a loopback address.';
  throw new DaisError('invalid_config', detail, {
    issues: [{ path: 'tracking.artifactRoot', message: `is set, but ${is}`, expected: 'nothing' }],
  });
}

type FolderConfig = Pick<ResolvedConfig, 'host' | 'authentication' | 'tracking'>;

/**
 * Only the database that Dais runs itself can be archived.
 * @throws DaisError `invalid_config`.
 */
export function refuseArchiveOfExternal({ database }: Pick<ResolvedConfig, 'database'>): void {
  if (database.url === undefined || database.archive === undefined) return;
  const detail =
    '`database.archive` is for the database that Dais runs itself, and `database.url` names another server. Remove `database.archive`, and use the backup tools of that server.';
  throw new DaisError('invalid_config', detail, {
    issues: [{ path: 'database.archive', message: 'is set, but `database.url` is too', expected: 'nothing' }],
  });
}

/**
 * Only one process tree uses a database that Dais runs itself, so it must do everything.
 * @throws DaisError `invalid_config`.
 */
export function refuseRoleWithoutDatabase({ role, database }: Pick<ResolvedConfig, 'role' | 'database'>): void {
  if (role === 'all' || database.url !== undefined) return;
  const detail = `The role \`${role}\` is a part of an installation, whose process trees share a database. Set \`database.url\` (DAIS_DATABASE_URL), or use the role \`all\`.`;
  throw new DaisError('invalid_config', detail, {
    issues: [{ path: 'role', message: `is \`${role}\`, but \`database.url\` is not set`, expected: '`all`' }],
  });
}
