import { escapePath, VaultAccess, type VaultOptions } from './vault-access.ts';

export interface VaultSecretOptions extends VaultOptions {
  /** Mount of the KV engine, version 2. */
  readonly mount: string;
  /** Path of the secret in the mount. */
  readonly path: string;
  /** The value of the secret. */
  readonly field: string;
}

/** Reads one value of a secret in the KV engine, version 2. @throws DaisError `keys_unavailable`. */
export async function readVaultSecret(options: VaultSecretOptions): Promise<string> {
  const access = new VaultAccess(options);
  const { mount, path, field } = options;
  const answer = await access.http.get(access.url(`${escapePath(mount)}/data/${escapePath(path)}`));
  const { data } = (answer.body['data'] ?? {}) as { readonly data?: Readonly<Record<string, unknown>> };
  const value = data?.[field];
  if (answer.status === 200 && typeof value === 'string') return value;
  const place = `${mount}/${path}`;
  if (answer.status === 200) throw access.http.refused(answer, `to read ${place}`, `it has no value ${field}`);
  const reasons: Readonly<Record<number, string>> = {
    403: `grant \`read\` on ${mount}/data/${path}`,
    404: 'there is no such secret, or its newest version was deleted',
  };
  throw access.http.refused(answer, `to read ${place}`, reasons[answer.status] ?? '');
}
