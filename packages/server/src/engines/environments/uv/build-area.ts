/**
 * The folders of one isolated package build. What a build writes is not trusted: it has a cache of its own, since files of the
 * shared cache are links into the environments of others, and what it installs is checked before anything else reads it.
 */
import { lstat, mkdir, readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DaisError } from '@dais/api';
import { checkProcess, processIdentity } from '#lib/system/process-identity.ts';
import { run } from '#lib/process.ts';

/** What an entry of a folder takes at least: the disk has a limited number of them. */
const ENTRY_BYTES = 4096;

export class BuildArea {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Below `folder`. Removes areas whose process is gone. */
  static async make(folder: string): Promise<BuildArea> {
    const own = processIdentity(process.pid);
    for (const name of await readdir(folder).catch(() => [])) {
      const [, pid, startTime = ''] = /^(\d+)-(\d+)-/.exec(name) ?? [];
      if (own === undefined || pid === undefined) continue;
      if (checkProcess({ ...own, pid: Number(pid), startTime }) !== 'gone') continue;
      await rm(path.join(folder, name), { recursive: true, force: true });
    }
    const area = new BuildArea(path.join(folder, `${process.pid}-${own?.startTime ?? 0}-${randomUUID()}`));
    for (const place of [area.cache, area.home, area.temporary]) await mkdir(place, { recursive: true, mode: 0o700 });
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

/** Bytes that folders take on the disk; files with several links count once. */
export async function usageOf(folders: readonly string[]): Promise<number> {
  const seen = new Set<string>();
  const left = [...folders];
  let bytes = 0;
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) left.push(place);
      const found = await lstat(place).catch(() => undefined);
      if (found === undefined) continue;
      const id = `${found.dev}:${found.ino}`;
      if (found.nlink > 1 && !found.isDirectory() && seen.has(id)) continue;
      if (found.nlink > 1) seen.add(id);
      bytes += Math.max(ENTRY_BYTES, found.blocks * 512);
    }
  }
  return bytes;
}

/** Gives folders and everything in them to a user; links are not followed. */
export async function giveTo(uid: number, folders: readonly string[]): Promise<void> {
  const { code, stderr } = await run('chown', ['-R', '-h', '-P', `${uid}:${uid}`, '--', ...folders], {
    env: { PATH: '/usr/bin:/bin' },
    timeoutMs: 600_000,
  });
  if (code !== 0) throw new Error(`a package build cannot have its folders: ${stderr.trim()}`);
}

/** What decides which Python an environment runs, and what of the machine its programs see. */
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
  const place = path.join(venv, 'pyvenv.cfg');
  const isFile = (await lstat(place).catch(() => undefined))?.isFile() === true;
  const now = isFile ? await identityOf(venv).catch(() => undefined) : undefined;
  if (now?.settings === before.settings && now.python === before.python) return;
  throw new DaisError(
    'invalid_request',
    'A package replaces `pyvenv.cfg` or `bin/python` of the environment, which decide what its programs run and see. Remove this package.',
  );
}

/** @throws DaisError `invalid_request` for links that lead out of the environment and for what is neither file, folder nor link. */
export async function checkTree(venv: string, permitted: readonly string[]): Promise<void> {
  const root = await realpath(venv);
  const left = [root];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) left.push(place);
      else if (entry.isSymbolicLink()) {
        const target = await realpath(place).catch(() => '/');
        const isInside = target === root || target.startsWith(`${root}/`);
        if (!isInside && !permitted.includes(target)) throw leadsOut(path.relative(root, place));
      } else if (!entry.isFile()) throw leadsOut(path.relative(root, place));
    }
  }
}

function leadsOut(place: string): DaisError {
  return new DaisError(
    'invalid_request',
    `A package made \`${place}\` in the environment, which leads out of it or is no file. Remove this package.`,
  );
}
