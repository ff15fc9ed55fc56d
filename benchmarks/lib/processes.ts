/** Resource usage of the processes of a server: CPU time of running and ended ones, and memory. Read from /proc. */
import { readFileSync } from 'node:fs';
import { treeOf } from '../../packages/server/src/testing/dais-process.ts';

/** Of one tick of /proc/PID/stat. */
const TICK_MS = 10;

/** Milliseconds of CPU of these processes, all below them, and those of them that have ended. */
export function cpuOf(roots: readonly number[]): number {
  return everyOne(roots).reduce((sum, pid) => sum + ticksOf(pid, 4), 0) * TICK_MS;
}

/** The same by part of a server: its queries, its database, and the rest. */
export function cpuByPart(roots: readonly number[]): Readonly<Record<'queries' | 'database' | 'server', number>> {
  const parts = { queries: 0, database: 0, server: 0 };
  for (const pid of everyOne(roots)) {
    const command = commandOf(pid);
    const part = /\bworker\.js/.test(command) ? 'queries' : command.startsWith('postgres') ? 'database' : 'server';
    parts[part] += ticksOf(pid, 4) * TICK_MS;
  }
  return parts;
}

/** Without folders. Empty for a process that has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll(/[^\0 ]*\//g, '');
  } catch {
    return '';
  }
}

/** Of this process alone, without those that it started. */
export function ownCpuOf(pid: number): number {
  return ticksOf(pid, 2) * TICK_MS;
}

/** User and system time; as `fields` 4 those of its children that have ended, too. */
function ticksOf(pid: number, fields: 2 | 4): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const all = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return all.slice(11, 11 + fields).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

/** Megabytes. Proportional, because the processes of PostgreSQL, and workers of one parent, share most of theirs. */
export function memoryOf(roots: readonly number[]): number {
  const kilobytes = everyOne(roots).reduce((sum, pid) => {
    try {
      return sum + Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      return sum;
    }
  }, 0);
  return kilobytes / 1024;
}

function everyOne(roots: readonly number[]): number[] {
  return roots.flatMap((root) => [root, ...treeOf(root)]);
}
