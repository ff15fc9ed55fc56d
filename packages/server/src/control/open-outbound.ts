/** Creates the outbound client of the configuration. */
import { readFile } from 'node:fs/promises';
import type { ConfigSpec } from '@dais/api';
import { DaisError } from '@dais/api/errors';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';

/**
 * `moreCa`: certificate authorities in PEM format, in addition to those of the configuration.
 * @throws DaisError `invalid_config` when a list, a proxy or a certificate cannot be read.
 */
export async function openOutbound(
  config: ConfigSpec['outbound'],
  version: string,
  moreCa?: string,
): Promise<Outbound> {
  const { proxy, noProxy, extraCa, allowHosts } = config;
  const authorities = [extraCa === undefined ? [] : [await readAuthorities(extraCa)], moreCa ?? []].flat();
  return createOutbound({
    proxy: { ...(proxy !== undefined && { httpProxy: proxy, httpsProxy: proxy }), noProxy: noProxy ?? [] },
    ...(authorities.length > 0 && { extraCa: authorities.join('\n') }),
    allowHosts,
    userAgent: `dais/${version}`,
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const message = `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`;
    const issues = [{ path: 'spec.outbound.extraCa', message }];
    throw new DaisError('invalid_config', `outbound.extraCa: ${message}.`, { issues, cause: error });
  }
}
