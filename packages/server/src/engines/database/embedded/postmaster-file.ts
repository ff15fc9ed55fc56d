import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** The lock file of a running PostgreSQL server (miscadmin.h, LOCK_FILE_LINE_*). */
export interface PostmasterFile {
  readonly pid: number;
  /** Unix time in seconds. */
  readonly startedAt: number;
  readonly port: number;
  readonly socketFolder: string;
  /** All lines, to write the file back. */
  readonly lines: readonly string[];
}

export const POSTMASTER_FILE = 'postmaster.pid';

/** Undefined when no server runs on the cluster and none was killed before. */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(cluster, POSTMASTER_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  return { pid, startedAt: Number(lines[2]), port: Number(lines[3]), socketFolder: lines[4] ?? '', lines };
}

/** Returns whether the current process with this pid appears to be the server that wrote the file. */
export async function isRunning(file: PostmasterFile): Promise<boolean> {
  try {
    process.kill(file.pid, 0);
  } catch (error) {
    // EPERM: it is alive and belongs to another user.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  try {
    const stat = await readFile(`/proc/${file.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    if (fields[0] === 'Z' || name !== 'postgres') return false;
    const boot = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'latin1'));
    // Clock ticks are 1/100 s on every Linux (USER_HZ).
    const startedAt = Number(boot?.[1]) + Number(fields[19]) / 100;
    return Math.abs(startedAt - file.startedAt) <= START_TOLERANCE_S;
  } catch {
    // Without /proc only the pid is known.
    return true;
  }
}

/** The boot time has a resolution of a second and shifts when the clock is set. */
const START_TOLERANCE_S = 5;
