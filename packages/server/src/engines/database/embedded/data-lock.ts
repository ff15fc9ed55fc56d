import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DaisError } from '@dais/api/errors';
import { checkProcess, processCommand, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';

export interface DataLock {
  /** Signals other containers and machines that the owner is alive. Call it every few seconds. */
  touch(): Promise<void>;
  release(): Promise<void>;
}

export interface DataLockOptions {
  /**
   * How long a lock of another container or from before a reboot must be unchanged until it counts as stale; default 15 s. The
   * lock of a process of this container is checked immediately.
   */
  readonly quietMs?: number;
  /** Called when that wait starts. */
  readonly report?: (step: string) => void;
}

interface Holder extends Partial<ProcessIdentity> {
  readonly pid: number;
  readonly command: string;
}

const QUIET_MS = 15_000;
/** A lock older than this, by the clock of the file system, is stale without a wait. */
const OLD_MS = 60_000;
const POLL_MS = 500;

/**
 * Locks `folder` for this process. The lock is a folder with one file named by a random token. It is acquired by renaming a
 * prepared folder to it, which fails unless the path is free or an empty folder. A stale lock is cleared by removing exactly
 * the file that was checked, so that two processes can never clear each other's new lock.
 * @throws DaisError `data_locked` with pid and command of the owner.
 */
export async function acquireDataLock(folder: string, options: DataLockOptions = {}): Promise<DataLock> {
  const location = path.join(folder, 'lock');
  const token = randomUUID();
  const prepared = path.join(folder, `lock.${token}`);
  const holder: Holder = { pid: process.pid, ...processIdentity(process.pid), command: processCommand(process.pid) };
  await mkdir(prepared, { mode: 0o700 });
  const text = JSON.stringify(holder);
  await writeFile(path.join(prepared, token), text);
  try {
    while (!(await renameOntoEmpty(prepared, location))) await clearIfLeftBehind(location, options);
  } catch (error) {
    await rm(prepared, { recursive: true, force: true });
    throw error;
  }
  const file = path.join(location, token);
  return {
    touch: async () => {
      // Rewrites the same content: only a write sets the timestamp from the clock of the file system.
      const handle = await open(file, 'r+').catch(() => undefined);
      await handle?.write(text, 0).catch(() => {});
      await handle?.close();
    },
    release: async () => {
      await rm(file, { force: true });
      // Fails when another process has acquired it.
      await rmdir(location).catch(() => {});
    },
  };
}

async function renameOntoEmpty(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')) {
      return false;
    }
    throw error;
  }
}

async function clearIfLeftBehind(location: string, options: DataLockOptions): Promise<void> {
  const names = await readdir(location).catch(() => []);
  const token = names[0];
  if (token === undefined) return;
  const file = path.join(location, token);
  const holder = await readHolder(file);
  if (holder === undefined) return;
  if (await isAlive(file, holder, options)) {
    throw new DaisError(
      'data_locked',
      `The data in ${path.dirname(location)} is in use by process ${holder.pid}` +
        `${holder.command === '' ? '' : ` (${holder.command})`}.`,
    );
  }
  await rm(file, { force: true });
}

/** Undefined when it was removed; an unreadable one (a crash before the data reached the disk) has no owner. */
async function readHolder(file: string): Promise<Holder | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return { pid: 0, command: '' };
  }
}

async function isAlive(file: string, holder: Holder, options: DataLockOptions): Promise<boolean> {
  const { pid, startTime, bootId, pidNamespace } = holder;
  if (startTime !== undefined && bootId !== undefined && pidNamespace !== undefined) {
    const state = checkProcess({ pid, startTime, bootId, pidNamespace });
    if (state !== 'other') return state === 'alive';
  }
  const first = await modifiedAt(file);
  if (first === undefined) return false;
  if ((await fileSystemNow(file)) - first > OLD_MS) return false;
  const quietMs = options.quietMs ?? QUIET_MS;
  options.report?.(`Waiting ${quietMs / 1000} s to check whether the previous process still uses the data`);
  for (let waited = 0; waited < quietMs; waited += POLL_MS) {
    await delay(POLL_MS);
    const now = await modifiedAt(file);
    if (now === undefined) return false;
    if (now !== first) return true;
  }
  return false;
}

async function modifiedAt(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.mtimeMs;
}

/** Reads the clock of the file system, which differs from the local clock on a network file system. */
async function fileSystemNow(file: string): Promise<number> {
  const probe = path.join(path.dirname(path.dirname(file)), `clock.${randomUUID()}`);
  await writeFile(probe, '');
  try {
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}
