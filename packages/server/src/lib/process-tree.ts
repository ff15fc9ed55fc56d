/** CPU time of a process and all that it started, from /proc; undefined where there is none. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever its own clock does. */
const TICK_MS = 10;

export function treeCpuMs(pid: number): number | undefined {
  let ticks = 0;
  let any = false;
  const left = [pid];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    try {
      const stat = readFileSync(`/proc/${next}/stat`, 'latin1');
      // Its second field is a name in brackets, which may have spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // Of its own, and of those that it started and that have ended.
      for (const place of [11, 12, 13, 14]) ticks += Number(fields[place] ?? 0);
      any = true;
      const children = readFileSync(`/proc/${next}/task/${next}/children`, 'latin1').trim();
      if (children !== '') left.push(...children.split(' ').map(Number));
    } catch {
      // It ended meanwhile.
    }
  }
  return any ? ticks * TICK_MS : undefined;
}
