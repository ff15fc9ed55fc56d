/** Memory that this machine or, in a container, its control group has. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export function machineMemory(): number {
  for (const file of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    try {
      const limit = Number(readFileSync(file, 'latin1'));
      if (Number.isFinite(limit) && limit > 0) return Math.min(limit, totalmem());
    } catch {
      // Not this version of control groups, or none.
    }
  }
  return totalmem();
}
