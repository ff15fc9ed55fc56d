/**
 * The folders of one isolated package build. The output of a build is not trusted: it has a separate cache, because files of
 * the shared cache are hard links in other environments, and installed files are checked before they are used.
 */
import { lstat, mkdir, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DaisError } from '@dais/api';
import { checkProcess, processIdentity } from '#lib/system/process-identity.mjs';
import { run } from '#lib/process.ts';

/** Minimum size of a folder entry: the disk has a limited number of them. */
const ENTRY_BYTES = 4096;

export class BuildArea {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Creates an area below `folder`. Removes areas of ended processes. */
  static async make(folder: string): Promise<BuildArea> {
    const own = processIdentity(process.pid);
    for (const name of await readdir(folder).catch(() => [])) {
      const [, pid, startTime = ''] = /^(\d+)-(\d+)-/.exec(name) ?? [];
      if (own === undefined || pid === undefined) continue;
      if (checkProcess({ ...own, pid: Number(pid), startTime }) !== 'gone') continue;
      await rm(path.join(folder, name), { recursive: true, force: true });
    }
    const area = new BuildArea(path.join(folder, `${process.pid}-${own?.startTime ?? 0}-${randomUUID()}`));
    for (const path of [area.cache, area.home, area.temporary]) await mkdir(path, { recursive: true, mode: 0o700 });
    return area;
  }

  get cache(): string {
    return path.join(this.root, 'cache');
  }

  get home(): string {
    return path.join(this.root, 'home');
  }

  get temporary(): string {
    return path.join(this.root, 'tmp');
  }

  async remove(): Promise<void> {
    await run('find', [this.root, '-type', 'd', '!', '-perm', '-u+rwx', '-exec', 'chmod', 'u+rwx', '--', '{}', '+'], {
      env: { PATH: '/usr/bin:/bin' },
      timeoutMs: 600_000,
    });
    await rm(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Returns the disk usage of folders; files with several links count once. */
export async function usageOf(folders: readonly string[]): Promise<number> {
  const seen = new Set<string>();
  const left = [...folders];
  let bytes = 0;
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const location = path.join(folder, entry.name);
      if (entry.isDirectory()) left.push(location);
      const found = await lstat(location).catch(() => undefined);
      if (found === undefined) continue;
      const id = `${found.dev}:${found.ino}`;
      if (found.nlink > 1 && !found.isDirectory() && seen.has(id)) continue;
      if (found.nlink > 1) seen.add(id);
      bytes += Math.max(ENTRY_BYTES, found.blocks * 512);
    }
  }
  return bytes;
}

/** Changes the owner of folders and their content; links are not followed. */
export async function changeOwner(uid: number, folders: readonly string[]): Promise<void> {
  const { code, stderr } = await run('chown', ['-R', '-h', '-P', `${uid}:${uid}`, '--', ...folders], {
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 600_000,
  });
  if (code !== 0) throw new Error(`could not create the folders of a package build: ${stderr.trim()}`);
}

/** Files that control which Python an environment runs, and what its programs see. */
export interface VenvIdentity {
  readonly settings: string;
  readonly python: string;
}

export async function identityOf(venv: string): Promise<VenvIdentity> {
  const settings = await readFile(path.join(venv, 'pyvenv.cfg'), 'utf8');
  return { settings, python: await readlink(path.join(venv, 'bin/python')) };
}

/** @throws DaisError `invalid_request` when packages changed which Python the environment runs. */
export async function checkIdentity(venv: string, before: VenvIdentity): Promise<void> {
  const location = path.join(venv, 'pyvenv.cfg');
  const isFile = (await lstat(location).catch(() => undefined))?.isFile() === true;
  const now = isFile ? await identityOf(venv).catch(() => undefined) : undefined;
  if (now?.settings === before.settings && now.python === before.python) return;
  throw new DaisError(
    'invalid_request',
    'A package replaces `pyvenv.cfg` or `bin/python` of the environment, which control its programs. Remove this package.',
  );
}

/** @throws DaisError `invalid_request` for links out of the environment and for special files. */
export async function checkTree(venv: string, permitted: readonly string[]): Promise<void> {
  const root = await realpath(venv);
  const left = [root];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const location = path.join(folder, entry.name);
      if (entry.isDirectory()) left.push(location);
      else if (entry.isSymbolicLink()) {
        const target = await realpath(location).catch(() => '/');
        const isInside = target === root || target.startsWith(`${root}/`);
        if (!isInside && !permitted.includes(target)) throw leadsOut(path.relative(root, location));
      } else if (!entry.isFile()) throw leadsOut(path.relative(root, location));
    }
  }
}

function leadsOut(path: string): DaisError {
  return new DaisError(
    'invalid_request',
    `A package created \`${path}\` in the environment, which is a link out of it or not a file. Remove this package.`,
  );
}
