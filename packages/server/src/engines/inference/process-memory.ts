/** Memory of a process and all that it started, from /proc; 0 where there is none. */
import { readFileSync } from 'node:fs';

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
      // It ended meanwhile.
    }
  }
  return bytes;
}
