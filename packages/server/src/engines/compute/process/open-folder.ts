/**
 * Folders of a task by their descriptors. `/proc/self/fd/N/NAME` names an entry of an open folder: it is as short for the
 * thousandth nested folder as for the first, and a folder that is exchanged for a link meanwhile is not followed.
 */
import { constants } from 'node:fs';
import { chmod, open, type FileHandle } from 'node:fs/promises';
import { errnoOf } from './file-errors.ts';

/** Each level of a walk keeps one descriptor open. */
export const DEEPEST_FOLDER = 256;

/** Linux names a file without opening it; Node has no name for that flag. */
const O_PATH = 0o10000000;
const FOLDER = constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A name is any bytes. */
export function placeIn(folder: FileHandle, name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), Buffer.from(name)]);
}

/**
 * Opens a folder inside a folder, also one that its owner has closed to itself: Dais gives itself access to it, as it must to remove
 * it. Undefined when there is no folder of that name.
 */
export async function openFolder(folder: FileHandle, name: string | Buffer): Promise<FileHandle | undefined> {
  const place = placeIn(folder, name);
  try {
    return await open(place, constants.O_RDONLY | FOLDER);
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') return undefined;
  }
  const handle = await open(place, O_PATH | FOLDER).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    await chmod(`/proc/self/fd/${handle.fd}`, 0o700);
    return await open(place, constants.O_RDONLY | FOLDER);
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
