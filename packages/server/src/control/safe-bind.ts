import { DaisError } from '@dais/api/errors';
import { isLoopback } from '#lib/tcp-listener.ts';
import type { ResolvedConfig } from '#config-load.ts';

/**
 * What other machines can reach needs accounts, and something that keeps passwords and tokens secret on their way.
 * @throws DaisError `unsafe_bind` with what is to be set.
 */
export function refuseUnsafeBind({ host, authentication, tls, trustedProxies, insecureHttp }: BindConfig): void {
  if (isLoopback(host)) return;
  if (authentication.mode !== 'accounts') {
    throw new DaisError(
      'unsafe_bind',
      `${host} can be reached from other machines, and whoever reaches it would be the owner: set \`authentication.mode: accounts\` (DAIS_AUTHENTICATION_MODE=accounts).`,
    );
  }
  if (tls !== undefined || trustedProxies.length > 0 || insecureHttp) return;
  throw new DaisError(
    'unsafe_bind',
    `Over plain HTTP on ${host}, passwords and tokens could be read on their way: give --tls-cert and --tls-key, name the proxy that speaks HTTPS in \`trustedProxies\`, or accept it with --insecure-http.`,
  );
}

type BindConfig = Pick<ResolvedConfig, 'host' | 'authentication' | 'tls' | 'trustedProxies' | 'insecureHttp'>;
