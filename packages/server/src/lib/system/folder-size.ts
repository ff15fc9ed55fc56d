/** Returns the disk usage of a folder. Links count as themselves; unreadable entries count as 0. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export async function folderSize(location: string): Promise<number> {
  let total = 0;
  const folders = [location];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      total += ((await lstat(path).catch(() => undefined))?.blocks ?? 0) * 512;
    }
  }
  return total;
}
