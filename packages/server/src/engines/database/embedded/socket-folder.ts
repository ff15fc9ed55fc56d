import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import type { ServerUser } from './server-user.ts';

/** The socket is `<folder>/.s.PGSQL.5432`; its name must fit sun_path: 107 bytes on Linux, 103 on macOS. */
export const SOCKET_PORT = 5432;
const MAX_FOLDER_BYTES = 103 - `/.s.PGSQL.${SOCKET_PORT}`.length;

/**
 * Creates the folder of the server socket: with a short path for any data path, the same for the same data, and accessible to
 * the server's user only. This makes `trust` authentication safe, so it is verified.
 * @param base parent of these folders: `/run/dais` for root, otherwise a temporary folder.
 */
export async function createSocketFolder(
  base: string,
  cluster: string,
  user: ServerUser | undefined,
  self: ServerUser,
): Promise<string> {
  const key = createHash('sha256')
    .update(await realpath(path.dirname(cluster)))
    .update(path.basename(cluster));
  const folder = path.join(base, `dais-${self.uid}-${key.digest('hex').slice(0, 16)}`);
  if (Buffer.byteLength(folder) > MAX_FOLDER_BYTES) {
    throw new DaisError(
      'database_setup',
      `${folder} is too long for a Unix socket (${MAX_FOLDER_BYTES} bytes at most); use a shorter folder for sockets.`,
    );
  }
  await mkdir(base, { recursive: true, mode: 0o755 });
  const owner = user ?? self;
  try {
    await mkdir(folder, { mode: 0o700 });
    if (user !== undefined) await chown(folder, user.uid, user.gid);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  let found = await lstat(folder);
  if (user !== undefined && found.isDirectory() && found.uid === self.uid) {
    // Created by an earlier start that ended before it changed the owner.
    await chown(folder, user.uid, user.gid);
    found = await lstat(folder);
  }
  if (!found.isDirectory() || found.uid !== owner.uid) {
    throw new DaisError(
      'database_setup',
      `${folder} is needed for the socket of PostgreSQL but belongs to uid ${found.uid}: remove it, or use another folder for sockets.`,
    );
  }
  if ((found.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
  return folder;
}

/** Removes the folder of a server that has ended. */
export async function removeSocketFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('.s.PGSQL.')) await rm(path.join(folder, name), { force: true });
  }
  await rm(folder, { recursive: true, force: true });
}

const RUN_FOLDER = '/run/dais';

/** The default parent of socket folders: in memory, and removed by a reboot, where the process has permission. */
export async function socketBase(self: ServerUser): Promise<string> {
  if (self.uid !== 0) return tmpdir();
  try {
    await mkdir(RUN_FOLDER, { recursive: true, mode: 0o755 });
    return RUN_FOLDER;
  } catch {
    // A container with a read-only root.
    return tmpdir();
  }
}
