/** The Node 22 that the long runs repeat things with: pinned by checksum in tools/node-22, kept outside the repository. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';
import { cacheFolder } from './environment.mjs';
import { ensureInstalled } from './install.mjs';

/**
 * The path of its program; downloaded (33 MB) on first use. Linux only: elsewhere there is no such package.
 * @returns {Promise<string>}
 */
export async function node22() {
  const folder = join(cacheFolder(), 'node-22');
  mkdirSync(folder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(join(root, 'tools', 'node-22', file), join(folder, file));
  }
  await ensureInstalled(undefined, folder);
  return join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
}
