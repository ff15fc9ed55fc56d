import { DaisError } from '@dais/api/errors';
import { isLoopback } from '#lib/tcp-listener.ts';
import type { ResolvedConfig } from '#config-load.ts';

/**
 * Who writes artifacts past the server is held by nothing but the rights of files: that is for one owner on one machine.
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
