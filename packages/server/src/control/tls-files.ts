import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { DaisError } from '@dais/api/errors';
import type { TlsFiles } from '#http/server/http-server.ts';
import type { Log } from '#lib/log.ts';
import type { ResolvedConfig } from '#config-load.ts';

/** Polled, because renewed certificates come as renamed files and swapped links, which notifications of files miss. */
const POLL_MS = 5000;

/** @throws DaisError `invalid_config` when a file cannot be read or the two do not belong together. */
export async function readTls({ tls }: ResolvedConfig): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined;
  const [cert, key] = await Promise.all([readPem('cert', tls.cert), readPem('key', tls.key)]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw unusable('cert', `${tls.cert} and ${tls.key} are not a certificate and its private key`, error);
  }
  return { cert, key };
}

/** Calls `changed` with the new pair when it changed on disk and is usable. The returned function stops the watch. */
export function watchTls(config: ResolvedConfig, log: Log, changed: (tls: TlsFiles) => void): () => void {
  const { tls } = config;
  if (tls === undefined) return () => {};
  const reload = () => {
    readTls(config).then(
      (files) => {
        if (files === undefined) return;
        changed(files);
        log.info('the certificate was reloaded', { cert: tls.cert });
      },
      // The certificate and its key are two files: between their renewals they do not fit, and the old pair stays.
      (error: unknown) => log.warn('the new certificate is not usable yet', { error }),
    );
  };
  for (const path of [tls.cert, tls.key]) watchFile(path, { interval: POLL_MS, persistent: false }, reload);
  return () => {
    for (const path of [tls.cert, tls.key]) unwatchFile(path, reload);
  };
}

async function readPem(field: 'cert' | 'key', path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unusable(field, `${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`, error);
  }
}

function unusable(field: 'cert' | 'key', message: string, cause: unknown): DaisError {
  const path = `tls.${field}`;
  return new DaisError('invalid_config', `${path}: ${message}.`, { issues: [{ path, message }], cause });
}
