/**
 * Stores built environments on the disk. An environment exists when its marker exists: `environments/<digest>.json`, written last, contains the name of the folder. Each build has a separate folder, so that an installer that survived its server (after a crash) never writes into an environment in use.
 *
 * ```
 * <folder>/environments/<digest>.json           marker; its modification time is the last use of the environment
 *          environments/<digest, 16>-<random>/  the environment
 *          holds/<digest>/<uuid>                one per user: the process that holds it
 *          locks/<digest, 16>                   held while building, holding and removing
 *          cache/                               of the installer; environments may contain hard links into it
 * ```
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ifProcessLockFree, withProcessLock, type ProcessLockOptions } from '#lib/system/process-lock.mjs';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';
import { run } from '#lib/process.ts';

/** Builders can add fields. */
export interface Marker {
  readonly digest: string;
  /** Below `environments`. */
  readonly folder: string;
  readonly bytes: number;
}

export type StoredEnvironment<Made extends Marker> = Made & { readonly lastUsedAt: Date };

interface Hold extends Partial<ProcessIdentity> {
  readonly pid: number;
  /** Another folder may replace it when the interpreter was replaced. */
  readonly folder: string;
}

const DIGEST = /^[0-9a-f]{64}$/;
/** How long a hold of another container or from before a reboot is valid. */
const FOREIGN_HOLD_MS = 24 * 3_600_000;

export class BuiltStore<Made extends Marker> {
  readonly #folder: string;
  readonly #now: () => number;
  /** Serialized within this process, so that only the first caller polls for the lock. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  get root(): string {
    return path.join(this.#folder, 'environments');
  }

  get cache(): string {
    return path.join(this.#folder, 'cache');
  }

  async locked<T>(digest: string, work: () => Promise<T>, options: ProcessLockOptions): Promise<T> {
    const before = this.#queues.get(digest);
    if (before !== undefined) options.waiting?.();
    const turn = (async () => {
      await orAborted(before, options.signal);
      return await withProcessLock(await this.#lockPath(digest), work, options);
    })();
    // The next caller waits for all before it, also when one of them left the queue early.
    const settled = Promise.allSettled([before, turn]);
    this.#queues.set(digest, settled);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(digest) === settled) this.#queues.delete(digest);
    }
  }

  /** Undefined when it does not exist. */
  async read(digest: string): Promise<Made | undefined> {
    const text = await readFile(this.#marker(digest), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const marker = JSON.parse(text) as Made;
      // An operator may have removed it.
      return (await stat(this.folderOf(marker)).catch(() => undefined))?.isDirectory() === true ? marker : undefined;
    } catch {
      return undefined;
    }
  }

  folderOf({ folder }: Pick<Marker, 'folder'>): string {
    return path.join(this.root, folder);
  }

  /** Returns the name of a new folder for a build; the folder does not exist yet. */
  async begin(digest: string): Promise<string> {
    await mkdir(this.root, { recursive: true });
    return `${digest.slice(0, 16)}-${randomUUID().slice(0, 8)}`;
  }

  /** Removes a build that failed. The lock must be held. */
  async discard(name: string): Promise<void> {
    await removeTree(path.join(this.root, name));
  }

  /** Publishes a build as the environment of its digest. The lock must be held. */
  async publish(marker: Made): Promise<void> {
    const file = this.#marker(marker.digest);
    await writeFile(`${file}.new`, JSON.stringify(marker), { flush: true });
    await rename(`${file}.new`, file);
  }

  /** Marks the environment as used now and prevents its removal until the hold is released. The lock must be held. */
  async hold({ digest, folder: held }: Marker): Promise<() => Promise<void>> {
    const now = new Date(this.#now());
    await utimes(this.#marker(digest), now, now);
    const folder = path.join(this.#folder, 'holds', digest);
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, randomUUID());
    const holder: Hold = { ...(processIdentity(process.pid) ?? { pid: process.pid }), folder: held };
    await writeFile(file, JSON.stringify(holder));
    return async () => await rm(file, { force: true });
  }

  /** The least recently used first. */
  async list(): Promise<StoredEnvironment<Made>[]> {
    const names = await readdir(this.root).catch(() => []);
    const digests = names.map((name) => name.replace(/\.json$/, '')).filter((name) => DIGEST.test(name));
    const kept: StoredEnvironment<Made>[] = [];
    for (const digest of digests) {
      const marker = await this.read(digest);
      const times = await stat(this.#marker(digest)).catch(() => undefined);
      if (marker !== undefined && times !== undefined) kept.push({ ...marker, lastUsedAt: times.mtime });
    }
    return kept.toSorted((one, other) => one.lastUsedAt.getTime() - other.lastUsedAt.getTime());
  }

  /** Returns false when it is held, or is being built. */
  async remove(digest: string): Promise<boolean> {
    const removed = await ifProcessLockFree(await this.#lockPath(digest), async () => {
      if (await this.#isHeld(digest)) return false;
      const marker = await this.read(digest);
      await rm(this.#marker(digest), { force: true });
      if (marker !== undefined) await removeTree(this.folderOf(marker));
      await rm(path.join(this.#folder, 'holds', digest), { recursive: true, force: true });
      return true;
    });
    return removed ?? false;
  }

  /** Removes leftovers of interrupted builds. */
  async sweep(): Promise<void> {
    const used = new Set((await this.list()).map(({ folder }) => folder));
    for (const name of await readdir(this.root).catch(() => [])) {
      const short = /^([0-9a-f]{16})-[0-9a-f]{8}$/.exec(name)?.[1];
      if (short === undefined || used.has(name)) continue;
      await ifProcessLockFree(await this.#lockPath(short), async () => {
        // It may be in use by now.
        if ((await this.list()).some(({ folder }) => folder === name)) return;
        // Or an environment whose interpreter was replaced, in which a process still runs.
        const holds = await readdir(path.join(this.#folder, 'holds')).catch(() => []);
        for (const digest of holds) if (digest.startsWith(short) && (await this.#isHeld(digest, name))) return;
        await removeTree(path.join(this.root, name));
      });
    }
  }

  /** Returns the disk usage of each folder; files shared with an earlier folder are not counted again. */
  async measure(folders: readonly string[]): Promise<readonly number[]> {
    const { stdout } = await run('du', ['-sk', '--', ...folders], {
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      timeoutMs: 600_000,
    });
    const sizes = new Map(
      stdout
        .toString('utf8')
        .split('\n')
        .map((line): [string, number] => {
          const [kib = '', name = ''] = line.split('\t');
          return [name, Number(kib) * 1024];
        }),
    );
    return folders.map((folder) => sizes.get(folder) ?? 0);
  }

  /** @param name one folder of the digest; default: any */
  async #isHeld(digest: string, name?: string): Promise<boolean> {
    const folder = path.join(this.#folder, 'holds', digest);
    for (const token of await readdir(folder).catch(() => [])) {
      const file = path.join(folder, token);
      const text = await readFile(file, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const hold = readHold(text);
      if (name !== undefined && hold?.folder !== name) continue;
      const takenAt = (await stat(file).catch(() => undefined))?.mtimeMs;
      const young = takenAt !== undefined && this.#now() - takenAt < FOREIGN_HOLD_MS;
      const state = hold === undefined ? 'gone' : checkProcess(hold);
      if (state === 'alive' || (state === 'other' && young)) return true;
      await rm(file, { force: true });
    }
    return false;
  }

  #marker(digest: string): string {
    return path.join(this.root, `${digest}.json`);
  }

  async #lockPath(digest: string): Promise<string> {
    const folder = path.join(this.#folder, 'locks');
    await mkdir(folder, { recursive: true });
    return path.join(folder, digest.slice(0, 16));
  }
}

/** Makes it read-only: tasks of the same user could otherwise change the cache and all other environments. */
export async function makeReadOnly(folder: string): Promise<void> {
  await run('chmod', ['-R', 'a-w', '--', folder], { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 600_000 });
}

async function removeTree(folder: string): Promise<void> {
  const writable = ['-type', 'd', '!', '-perm', '-u+w', '-exec', 'chmod', 'u+w', '--', '{}', '+'];
  await run('find', [folder, ...writable], { env: { PATH: '/usr/bin:/bin' }, timeoutMs: 600_000 });
  await rm(folder, { recursive: true, force: true });
}

/** Undefined when the machine crashed before it reached the disk. */
function readHold(text: string): (ProcessIdentity & Hold) | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity & Hold;
  } catch {
    return undefined;
  }
}

async function orAborted(turn: Promise<unknown> | undefined, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (turn === undefined) return;
  if (signal === undefined) {
    await turn;
    return;
  }
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([turn, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
