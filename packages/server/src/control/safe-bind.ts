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
