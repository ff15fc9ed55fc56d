/** The sealer of a control process, with keys in a folder. */
import { join } from 'node:path';
import { openFileKeys } from '#engines/keys/file/file-keys.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { open, rewrap, seal } from '#kinds/secret/sealing.ts';
import type { Sealer } from './sealer.ts';

export async function openTestKeys(folder: string): Promise<KeyStore> {
  const options = { folder: join(folder, 'keys'), dataFolder: join(folder, 'data') };
  return await openFileKeys({ ...options, now: Date.now, announce: () => {} });
}

export function sealerOf(keys: () => KeyStore): Sealer {
  return {
    seal: async (plaintext, context) => await seal(keys(), plaintext, context),
    open: async (sealed, context) => await open(keys(), sealed, context),
    rewrap: async (sealed, context) => await rewrap(keys(), sealed, context),
  };
}
