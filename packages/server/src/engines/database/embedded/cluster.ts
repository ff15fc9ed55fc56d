import { randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readFile, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import { run } from '#lib/process.ts';
import type { Binaries } from './binaries.ts';
import { changeOwner, type ServerUser } from './server-user.ts';

/** The superuser of an embedded server; Dais itself logs in as LOGIN_USER, which is not one. */
export const SUPERUSER = 'postgres';
const INITDB_ARGUMENTS = ['-A', 'trust', '-E', 'UTF8', '--data-checksums', '--no-instructions'];
/** 47 MB for a new cluster, plus its first log segments. */
const FRESH_CLUSTER_BYTES = 80 << 20;
const INITDB_TIMEOUT_MS = 300_000;

/**
 * The path of the cluster for the processes of the server. After a switch of user, the absolute path may contain folders that
 * the new user cannot enter (/root is 0700). The working directory, which is set before the switch, works: PostgreSQL changes
 * into the data folder at its start and uses relative paths from then on.
 */
export function clusterArgument(cluster: string, user: ServerUser | undefined): string {
  return user === undefined ? cluster : '/proc/self/cwd';
}

/** Returns the major version of the cluster; undefined when there is none. */
export async function readClusterMajor(cluster: string): Promise<number | undefined> {
  const text = await readFile(path.join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.trim());
}

/**
 * Creates an empty cluster at `cluster` in 0.6 s. It is created under a temporary name and renamed, so a crash leaves no
 * partial cluster. Names sort by bytes, and page checksums are on: they detect disk errors for about 1 % of CPU.
 * @throws DaisError `storage_full`, `database_setup`
 */
export async function createCluster(
  binaries: Binaries,
  cluster: string,
  user: ServerUser | undefined,
  extra: readonly string[] = [],
): Promise<void> {
  const partial = `${cluster}.tmp`;
  await rm(partial, { recursive: true, force: true });
  await refuseWithoutRoom(cluster);
  await mkdir(partial, { recursive: true, mode: 0o700 });
  if (user !== undefined) await chown(partial, user.uid, user.gid);
  const locale = process.platform === 'darwin' ? ['--locale=C'] : ['--locale=C.UTF-8', '--lc-collate=C'];
  const result = await run(
    path.join(binaries.folder, 'initdb'),
    ['-D', clusterArgument(partial, user), '-U', SUPERUSER, ...INITDB_ARGUMENTS, ...locale, ...extra],
    { ...user, cwd: partial, env: SERVER_ENVIRONMENT, timeoutMs: INITDB_TIMEOUT_MS },
  );
  if (result.code !== 0) {
    await rm(partial, { recursive: true, force: true });
    const output = `${result.stderr}\n${result.stdout.toString('utf8')}`;
    if (isDiskFull(output)) throw diskFull(cluster, output);
    throw new DaisError('database_setup', `PostgreSQL could not create its data in ${cluster}:\n${output.trim()}`);
  }
  await rename(partial, cluster);
}

/** initdb aborts when it runs out of space, and leaves its shared memory behind. */
async function refuseWithoutRoom(cluster: string): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(cluster));
  const free = bavail * bsize;
  if (free >= FRESH_CLUSTER_BYTES) return;
  throw new DaisError(
    'storage_full',
    `A new database needs ${FRESH_CLUSTER_BYTES >> 20} MiB in ${path.dirname(cluster)}; ${Math.floor(free / 2 ** 20)} MiB are free.`,
  );
}

/** The server inherits no variables: a stray PGDATA or LC_MESSAGES would change its behavior. */
export const SERVER_ENVIRONMENT: Readonly<Record<string, string>> = {
  LC_ALL: process.platform === 'darwin' ? 'C' : 'C.UTF-8',
  TZ: 'UTC',
  PATH: '/usr/bin:/bin',
};

export function isDiskFull(output: string): boolean {
  // The last one follows a partial write.
  return /No space left on device|Disk quota exceeded|Check free disk space/.test(output);
}

export function diskFull(cluster: string, output: string): DaisError {
  const line = output.split('\n').find(isDiskFull) ?? '';
  return new DaisError('storage_full', `The disk of ${cluster} is full: ${line.trim()}`);
}

/**
 * Gives the cluster to the server's user when root owns it (restored from an archive), and sets the mode that PostgreSQL
 * requires.
 */
export async function adoptFiles(cluster: string, user: ServerUser | undefined): Promise<void> {
  const found = await lstat(cluster);
  if (user !== undefined && found.uid !== user.uid) await changeOwner(cluster, user);
  if ((found.mode & 0o077) !== 0) await chmod(cluster, 0o700);
}

/**
 * Writes a file inside the cluster. Its folder belongs to the server's user, so a planted link must not redirect a write of
 * root. The file is created under a new name and renamed into place.
 */
export async function writeClusterFile(
  cluster: string,
  name: string,
  text: string,
  user: ServerUser | undefined,
): Promise<void> {
  const partial = path.join(cluster, `${name}.${randomUUID()}`);
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    if (user !== undefined) await handle.chown(user.uid, user.gid);
  } finally {
    await handle.close();
  }
  await rename(partial, path.join(cluster, name));
}
