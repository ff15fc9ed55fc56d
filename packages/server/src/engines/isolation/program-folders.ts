/** Returns the folders that Node needs to run a program of this package: Node, this package and `node_modules`. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export function programFolders(): string[] {
  const own = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
  const folders = new Set([own]);
  const node = path.dirname(path.dirname(realpathSync(process.execPath)));
  if (node !== '/' && !node.startsWith('/usr')) folders.add(node);
  for (let folder = own; folder !== '/'; folder = path.dirname(folder)) {
    const modules = path.join(folder, 'node_modules');
    if (!existsSync(modules)) continue;
    folders.add(modules);
    // A link in a repository with several packages.
    const api = path.join(modules, '@dais', 'api');
    if (existsSync(api)) folders.add(realpathSync(api));
  }
  return [...folders];
}
