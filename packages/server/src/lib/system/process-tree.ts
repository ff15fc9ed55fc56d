/** CPU time and memory of a process and all its descendants, from /proc. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever its own clock does. */
const TICK_MS = 10;

/** Undefined if the process has exited. */
export function treeCpuMs(pid: number): number | undefined {
  let ticks = 0;
  let any = false;
  const left = [pid];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      const stat = readFileSync(`/proc/${next}/stat`, 'latin1');
      // Its second field is a name in brackets, which may have spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // CPU time of the process and of its ended children.
      for (const field of [11, 12, 13, 14]) ticks += Number(fields[field] ?? 0);
      any = true;
      const children = readFileSync(`/proc/${next}/task/${next}/children`, 'latin1').trim();
      if (children !== '') left.push(...children.split(' ').map(Number));
    } catch {
      // It exited concurrently.
    }
  }
  return any ? ticks * TICK_MS : undefined;
}

/** Resident bytes; 0 if the process has exited. Pages that processes share count once for each. */
export function treeMemory(pid: number): number {
  let bytes = 0;
  const left = [pid];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      const status = readFileSync(`/proc/${next}/status`, 'latin1');
      bytes += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
      const children = readFileSync(`/proc/${next}/task/${next}/children`, 'latin1').trim();
      if (children !== '') left.push(...children.split(' ').map(Number));
    } catch {
      // It exited concurrently.
    }
  }
  return bytes;
}

/** Returns a process, its first child, the first child of that one, and so on. */
export function firstDescendants(pid: number): number[] {
  const chain = [pid];
  for (;;) {
    const last = chain.at(-1);
    let child = '';
    try {
      [child = ''] = readFileSync(`/proc/${last}/task/${last}/children`, 'latin1').trim().split(' ');
    } catch {
      // It exited concurrently.
    }
    if (child === '') return chain;
    chain.push(Number(child));
  }
}
