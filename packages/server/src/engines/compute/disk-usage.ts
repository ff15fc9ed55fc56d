/** Measures the disk usage of a task folder. The task runs during the measurement and may try to hide files. */
import { lstat, open, readdir, stat, statfs, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { DEEPEST_FOLDER, openFolder, pathIn } from './open-folder.ts';

export interface DiskUsage {
  /** Allocated bytes: holes of a sparse file do not count. */
  readonly bytes: number;
  /** Files, folders, links. */
  readonly files: number;
  /** Folders are nested deeper than the limit, so their content was not counted. */
  readonly tooDeep: boolean;
}

const BLOCK_BYTES = 512;
/** Number of entries that are read concurrently. */
const LSTAT_BATCH = 64;

/** Counts a file with several names once, and a link as itself. */
export async function diskUsage(path: string): Promise<DiskUsage> {
  const total = { bytes: 0, files: 0, tooDeep: false };
  const seen = new Set<string>();
  const walk = async (folder: FileHandle, depth: number): Promise<void> => {
    const entries = await readdir(pathIn(folder, '.'), { encoding: 'buffer', withFileTypes: true }).catch(() => []);
    for (let at = 0; at < entries.length; at += LSTAT_BATCH) {
      await Promise.all(
        entries.slice(at, at + LSTAT_BATCH).map(async ({ name }) => {
          const found = await lstat(pathIn(folder, name)).catch(() => undefined);
          if (found === undefined) return;
          total.files += 1;
          if (found.nlink > 1 && !found.isDirectory()) {
            const identity = `${found.dev}:${found.ino}`;
            if (seen.has(identity)) return;
            seen.add(identity);
          }
          total.bytes += found.blocks * BLOCK_BYTES;
        }),
      );
    }
    for (const entry of entries.filter((one) => one.isDirectory())) {
      if (depth >= DEEPEST_FOLDER) {
        total.tooDeep = true;
        return;
      }
      const inner = await openFolder(folder, entry.name);
      if (inner === undefined) continue;
      try {
        await walk(inner, depth + 1);
      } finally {
        await inner.close();
      }
    }
  };
  const root = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch(
    () => undefined,
  );
  if (root === undefined) return total;
  try {
    await walk(root, 0);
  } finally {
    await root.close();
  }
  return total;
}

/**
 * Returns the bytes of deleted files that processes still hold open, on the disk of `place`. They are freed when the last of
 * these processes ends.
 */
export async function deletedFileBytes(path: string, pids: readonly number[]): Promise<number> {
  const disk = (await stat(path)).dev;
  const seen = new Map<number, number>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const fd of await readdir(folder).catch(() => [])) {
      const found = await stat(`${folder}/${fd}`).catch(() => undefined);
      if (found?.isFile() === true && found.nlink === 0 && found.dev === disk) {
        seen.set(found.ino, found.blocks * BLOCK_BYTES);
      }
    }
  }
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Returns the bytes in the private `/dev/shm` of an isolated task, which is in memory. */
export async function sharedMemoryBytes(pids: readonly number[]): Promise<number> {
  const own = (await stat('/dev/shm').catch(() => undefined))?.dev;
  const found = new Map<number, number>();
  for (const pid of pids) {
    const path = `/proc/${pid}/root/dev/shm`;
    const dev = (await stat(path).catch(() => undefined))?.dev;
    if (dev === undefined || dev === own || found.has(dev)) continue;
    const room = await statfs(path).catch(() => undefined);
    if (room !== undefined) found.set(dev, (room.blocks - room.bfree) * room.bsize);
  }
  return [...found.values()].reduce((sum, bytes) => sum + bytes, 0);
}
