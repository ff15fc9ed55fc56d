/**
 * A lock between processes: a file made exclusively that names its holder. A holder that died is noticed (process gone,
 * or another process under the same id) and its lock is taken over.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A takeover is three system calls long; one older than this belongs to a process that died inside it. */
const TAKEOVER_LIMIT_MS = 10_000;

/**
 * Runs `work` while holding `<path>`; waits without limit for a living holder.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(holder: number) => void} [waiting] told once, when another process holds the lock
 * @returns {Promise<T>}
 */
export async function withFileLock(path, work, waiting) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryTake(path)) {
    const holder = readHolder(path);
    if (holder !== undefined && !isAlive(holder)) {
      breakStale(path, holder);
      continue;
    }
    if (!told && holder !== undefined) {
      told = true;
      waiting?.(holder.pid);
    }
    await delay(50);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @typedef {{ pid: number, started: string }} Holder */

/** @param {string} path */
function tryTake(path) {
  // Linked complete into place: a lock without its holder's name would never be broken.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startTime(process.pid)}\n`);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Undefined when the lock is free again.
 * @param {string} path
 * @returns {Holder | undefined}
 */
function readHolder(path) {
  try {
    const [pid, started] = readFileSync(path, 'utf8').trim().split(' ');
    return pid && started ? { pid: Number(pid), started } : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param {Holder} holder */
function isAlive(holder) {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
  }
  return startTime(holder.pid) === holder.started;
}

/**
 * Two waiters may see the same dead holder; without this guard the slower one would remove the lock of the faster.
 * @param {string} path
 * @param {Holder} dead
 */
function breakStale(path, dead) {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > TAKEOVER_LIMIT_MS) rmSync(guard, { recursive: true, force: true });
    return;
  }
  const now = readHolder(path);
  if (now?.pid === dead.pid && now.started === dead.started) rmSync(path, { force: true });
  rmdirSync(guard);
}

/**
 * Clock ticks since boot at which a process started (field 22 of /proc/<pid>/stat), so that a reused id is noticed;
 * `-` where there is no /proc.
 * @param {number} pid
 */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
