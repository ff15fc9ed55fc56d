import { chown, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';

/** The operating system user that PostgreSQL runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` and its group on every Linux: PostgreSQL does not run as root. */
const NOBODY: ServerUser = { uid: 65_534, gid: 65_534 };

/**
 * Returns the user to switch to, or undefined to keep the current user. Root runs an existing cluster as its owner, so that
 * root can serve the data of a user without changing its owner.
 * @throws DaisError `database_setup` when the cluster belongs to a user that this process cannot switch to.
 */
export async function chooseServerUser(
  cluster: string,
  self: ServerUser,
  preferred: ServerUser = NOBODY,
): Promise<ServerUser | undefined> {
  const owner = await lstat(cluster).catch(() => undefined);
  if (self.uid === 0) {
    if (process.platform !== 'linux') {
      throw new DaisError('database_setup', 'PostgreSQL does not run as root: start Dais as an ordinary user.');
    }
    return owner === undefined || owner.uid === 0 ? preferred : { uid: owner.uid, gid: owner.gid };
  }
  if (owner !== undefined && owner.uid !== self.uid) {
    throw new DaisError(
      'database_setup',
      `${cluster} belongs to uid ${owner.uid}, and Dais runs as uid ${self.uid}. ` +
        `Start Dais as that user or as root, or run: sudo chown -R ${self.uid}:${self.gid} ${path.dirname(cluster)}`,
    );
  }
  return undefined;
}

/** Changes the owner of a folder and its content; for data that root restored from an archive. Follows no links. */
export async function changeOwner(folder: string, user: ServerUser): Promise<void> {
  await chown(folder, user.uid, user.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) await changeOwner(file, user);
    else if (entry.isFile()) await chown(file, user.uid, user.gid);
  }
}
