/** Load of a process and all its descendants, measured between calls. */
import { availableParallelism } from 'node:os';
import type { Clock } from '#lib/clock.ts';
import { treeCpuMs, treeMemory } from './process-tree.ts';

export interface TreeLoad {
  /** Number of processor cores that the processes can use. */
  readonly cores: number;
  /** Number of cores that were busy since the call before; undefined in the first call. */
  readonly busyCores: number | undefined;
  /** Resident bytes. */
  readonly memoryBytes: number;
}

/** The returned function measures; its times are those of `clock`. */
export function treeLoad(pid: number, clock: Clock): () => TreeLoad {
  let before: { readonly cpuMs: number; readonly at: number } | undefined;
  return () => {
    const now = { cpuMs: treeCpuMs(pid) ?? 0, at: clock.now() };
    const elapsed = before === undefined ? 0 : now.at - before.at;
    // The CPU time of a process that lost its parent is gone from the tree: less than before counts as none.
    const busyMs = before === undefined ? 0 : Math.max(0, now.cpuMs - before.cpuMs);
    before = now;
    return {
      cores: availableParallelism(),
      busyCores: elapsed > 0 ? busyMs / elapsed : undefined,
      memoryBytes: treeMemory(pid),
    };
  };
}
