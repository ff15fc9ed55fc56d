/**
 * A lock between processes of a machine, with any number of waiting processes. It is a folder with one file, named by a
 * random token. A process acquires it by renaming a prepared folder onto it, which the kernel rejects unless the path
 * is free or the folder is empty. The lock of a dead process is cleared by removing exactly the file that was checked,
 * so that no process clears the lock of its successor.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkProcess, processIdentity, type ProcessIdentity } from './process-identity.ts';

export interface ProcessLockOptions {
  /** Ends the waiting with its reason; it does not end the work. */
  readonly signal?: AbortSignal;
  /** Called once, if another process has the lock. */
  readonly waiting?: () => void;
  /**
   * How long the lock of another container, or of before a reboot, is respected until it counts as abandoned; default
   * 15 s. A process of this container is checked immediately.
   */
  readonly quietMs?: number;
}

const POLL_MS = 50;
const QUIET_MS = 15_000;
const TOUCH_MS = 4_000;

/** Runs `work` while holding the lock at `place`; waits for as long as its holder lives. */
export async function withProcessLock<T>(
  place: string,
  work: () => Promise<T>,
  options: ProcessLockOptions = {},
): Promise<T> {
  const release = await take(place, options, true);
  if (release === undefined) throw new Error('unreachable: a waiting caller always acquires the lock');
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Like `withProcessLock`, but returns undefined immediately if another process has the lock. */
export async function ifProcessLockFree<T>(place: string, work: () => Promise<T>): Promise<T | undefined> {
  const release = await take(place, {}, false);
  if (release === undefined) return undefined;
  try {
    return await work();
  } finally {
    await release();
  }
}

async function take(
  place: string,
  options: ProcessLockOptions,
  wait: boolean,
): Promise<(() => Promise<void>) | undefined> {
  const { signal, quietMs = QUIET_MS } = options;
  signal?.throwIfAborted();
  const token = randomUUID();
  const prepared = `${place}.${token}`;
  await mkdir(prepared, { recursive: true, mode: 0o700 });
  await writeFile(path.join(prepared, token), JSON.stringify(processIdentity(process.pid) ?? { pid: process.pid }));
  try {
    const watch = new Watch(place, quietMs);
    for (let told = false; !(await renameOntoEmpty(prepared, place));) {
      if (await watch.clearIfLeftBehind()) continue;
      if (!wait) {
        await rm(prepared, { recursive: true, force: true });
        return undefined;
      }
      if (!told) options.waiting?.();
      told = true;
      await delay(POLL_MS, undefined, { ...(signal !== undefined && { signal }) });
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw signal?.aborted === true ? signal.reason : error;
  }
  const file = path.join(place, token);
  const touch = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, TOUCH_MS);
  touch.unref();
  return async () => {
    clearInterval(touch);
    await rm(file, { force: true });
    // Fails if another process acquired it concurrently.
    await rmdir(place).catch(() => {});
  };
}

async function renameOntoEmpty(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** The lock owner, as visible to a waiting process. */
class Watch {
  readonly #place: string;
  readonly #quietMs: number;
  #seen: { readonly file: string; readonly touchedAt: number; readonly since: number } | undefined;

  constructor(place: string, quietMs: number) {
    this.#place = place;
    this.#quietMs = quietMs;
  }

  /** True when the place may be free now. */
  async clearIfLeftBehind(): Promise<boolean> {
    const [token] = await readdir(this.#place).catch(() => []);
    if (token === undefined) return true;
    const file = path.join(this.#place, token);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) return true;
    if (!(await this.#isLeftBehind(file, text))) return false;
    await rm(file, { force: true });
    return true;
  }

  async #isLeftBehind(file: string, text: string): Promise<boolean> {
    const result = parseLockOwner(text);
    if (result !== 'other') return result === 'gone';
    const touchedAt = (await stat(file).catch(() => undefined))?.mtimeMs;
    if (touchedAt === undefined) return false;
    const now = performance.now();
    if (this.#seen?.file !== file || this.#seen.touchedAt !== touchedAt) {
      this.#seen = { file, touchedAt, since: now };
      return false;
    }
    return now - this.#seen.since > this.#quietMs;
  }
}

function parseLockOwner(text: string): ReturnType<typeof checkProcess> {
  try {
    const holder = JSON.parse(text) as Partial<ProcessIdentity> & { readonly pid: number };
    const { pid, startTime, bootId, pidNamespace } = holder;
    if (startTime === undefined || bootId === undefined || pidNamespace === undefined) return 'other';
    return checkProcess({ pid, startTime, bootId, pidNamespace });
  } catch {
    // A crash of the machine before the text reached the disk.
    return 'gone';
  }
}
