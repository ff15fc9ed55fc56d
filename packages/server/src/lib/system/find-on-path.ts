import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** The search path of a system, for processes that start without one. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Returns the absolute path of a program. Ignores relative folders of the search path. */
export function findOnPath(name: string, path: string = SYSTEM_PATH): string | undefined {
  return path
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
