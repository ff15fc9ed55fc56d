/**
 * Accesses folders of a task by their descriptors. `/proc/self/fd/N/NAME` is an entry of an open folder: the path is short at
 * any depth, and a folder that is replaced with a link is not followed.
 */
import { constants } from 'node:fs';
import { chmod, open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from './file-errors.ts';

/** Each level of a walk keeps one descriptor open. */
export const DEEPEST_FOLDER = 256;

/** O_PATH of Linux, which has no constant in Node. */
const O_PATH = 0o10000000;
const FOLDER = constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A name is any bytes. */
export function pathIn(folder: FileHandle, name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), Buffer.from(name)]);
}

/**
 * Opens a folder inside a folder. If its mode denies access, Dais grants itself access, as it must to remove it. Undefined when
 * the folder does not exist.
 */
export async function openFolder(folder: FileHandle, name: string | Buffer): Promise<FileHandle | undefined> {
  const path = pathIn(folder, name);
  try {
    return await open(path, constants.O_RDONLY | FOLDER);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') return undefined;
  }
  const handle = await open(path, O_PATH | FOLDER).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    await chmod(`/proc/self/fd/${handle.fd}`, 0o700);
    return await open(path, constants.O_RDONLY | FOLDER);
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
