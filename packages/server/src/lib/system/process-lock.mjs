/**
 * A lock between processes of a machine, with any number of waiting processes. It is a folder with one file, named by a
 * random token. A process acquires it by renaming a prepared folder onto it, which the kernel rejects unless the path
 * is free or the folder is empty. The lock of a dead process is cleared by removing exactly the file that was checked,
 * so that no process clears the lock of its successor. The tools import this file before `npm ci` and on Node 20, so it
 * is JavaScript without dependencies.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkProcess, processIdentity } from './process-identity.mjs';

/**
 * @typedef {object} ProcessLockOptions
 * @property {AbortSignal} [signal] Ends the waiting with its reason; it does not end the work.
 * @property {() => void} [waiting] Called once, if another process has the lock.
 * @property {number} [quietMs] How long the lock of another container, or of before a reboot, is respected until it
 *   counts as abandoned; default 15 s. A process of this container is checked immediately.
 */

const POLL_MS = 50;
const QUIET_MS = 15_000;
const TOUCH_MS = 4_000;

/**
 * Runs `work` while holding the lock at `place`; waits for as long as its holder lives.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {Readonly<ProcessLockOptions>} [options]
 * @returns {Promise<T>}
 */
export async function withProcessLock(path, work, options = {}) {
  const release = await take(path, options, true);
  if (release === undefined) throw new Error('unreachable: a waiting caller always acquires the lock');
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * Like `withProcessLock`, but returns undefined immediately if another process has the lock.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
export async function ifProcessLockFree(path, work) {
  const release = await take(path, {}, false);
  if (release === undefined) return undefined;
  try {
    return await work();
  } finally {
    await release();
  }
}

/**
 * @param {string} location
 * @param {Readonly<ProcessLockOptions>} options
 * @param {boolean} wait
 * @returns {Promise<(() => Promise<void>) | undefined>}
 */
async function take(location, options, wait) {
  const { signal, quietMs = QUIET_MS } = options;
  signal?.throwIfAborted();
  const token = randomUUID();
  const prepared = `${location}.${token}`;
  await mkdir(path.dirname(location), { recursive: true });
  // Waiting processes of other users read who has the lock.
  await mkdir(prepared, { mode: 0o755 });
  try {
    await writeFile(path.join(prepared, token), JSON.stringify(processIdentity(process.pid) ?? { pid: process.pid }));
    const watch = new Watch(location, quietMs);
    for (let isReported = false; !(await renameOntoEmpty(prepared, location));) {
      if (await watch.clearIfLeftBehind()) continue;
      if (!wait) {
        await rm(prepared, { recursive: true, force: true });
        return undefined;
      }
      if (!isReported) options.waiting?.();
      isReported = true;
      await delay(POLL_MS, undefined, signal === undefined ? {} : { signal });
    }
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw signal?.aborted === true ? signal.reason : error;
  }
  const file = path.join(location, token);
  const touch = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {});
  }, TOUCH_MS);
  touch.unref();
  return async () => {
    clearInterval(touch);
    await rm(file, { force: true });
    // Fails if another process acquired it concurrently.
    await rmdir(location).catch(() => {});
  };
}

/**
 * @param {string} from
 * @param {string} to
 */
async function renameOntoEmpty(from, to) {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}

/** The lock owner, as visible to a waiting process. */
class Watch {
  /** @readonly */
  #path;
  /** @readonly */
  #quietMs;
  /** @type {{ readonly file: string, readonly touchedAt: number, readonly since: number } | undefined} */
  #seen;

  /**
   * @param {string} path
   * @param {number} quietMs
   */
  constructor(path, quietMs) {
    this.#path = path;
    this.#quietMs = quietMs;
  }

  /** True when the place may be free now. */
  async clearIfLeftBehind() {
    const [token] = (await unlessMissing(readdir(this.#path))) ?? [];
    if (token === undefined) return true;
    const file = path.join(this.#path, token);
    const text = await unlessMissing(readFile(file, 'utf8'));
    if (text === undefined) return true;
    if (!(await this.#isLeftBehind(file, text))) return false;
    await rm(file, { force: true });
    return true;
  }

  /**
   * @param {string} file
   * @param {string} text
   */
  async #isLeftBehind(file, text) {
    const result = checkOwner(text);
    if (result !== 'other') return result === 'gone';
    const touchedAt = (await unlessMissing(stat(file)))?.mtimeMs;
    if (touchedAt === undefined) return false;
    const now = performance.now();
    if (this.#seen?.file !== file || this.#seen.touchedAt !== touchedAt) {
      this.#seen = { file, touchedAt, since: now };
      return false;
    }
    return now - this.#seen.since > this.#quietMs;
  }
}

/**
 * Undefined when the file or folder is gone. Other errors are thrown: a place that cannot be read never becomes free.
 * @template T
 * @param {Promise<T>} reading
 * @returns {Promise<T | undefined>}
 */
async function unlessMissing(reading) {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {string} text */
function checkOwner(text) {
  try {
    /** @type {{ pid: number } & Partial<import('./process-identity.mjs').ProcessIdentity>} */
    const { pid, startTime, bootId, pidNamespace } = JSON.parse(text);
    if (startTime === undefined || bootId === undefined || pidNamespace === undefined) return 'other';
    return checkProcess({ pid, startTime, bootId, pidNamespace });
  } catch {
    // A crash of the machine before the text reached the disk.
    return 'gone';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
