/** What the tasks of one engine share. */
import type { ControlGroups } from '#engines/isolation/control-groups.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { OutsideProgram } from '#engines/isolation/outside-programs.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { TaskProxy } from '../contract.ts';
import type { DeviceLeases } from './capacity.ts';
import type { FreeSpace } from './disk-watch.ts';
import type { Launcher } from './launcher.ts';
import type { Reachable } from '#engines/isolation/relay.ts';

/** Points at which a crash is worth a test. */
export type CrashPoint = 'staged' | 'submitted' | 'prepared' | 'spawned' | 'ended' | 'result';

export interface TaskParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly groups: ControlGroups | undefined;
  readonly isolation: Isolation;
  /** Folders that no isolated task sees. */
  readonly hidden: readonly string[];
  /** How programs of the machine are started in an image. */
  readonly outside: OutsideProgram | undefined;
  readonly leases: DeviceLeases;
  readonly launcher: Launcher;
  readonly bootId: string;
  /** PATH of the shim and, after that of its environment, of the task. */
  readonly path: string;
  /** Undefined where it is missing: its work is done by slower programs. */
  readonly perl: string | undefined;
  readonly hasGpus: boolean;
  /** Isolated tasks reach these. */
  readonly reach: readonly Reachable[];
  /** Isolated tasks with network reach others through it. */
  readonly proxy: TaskProxy | undefined;
  /** Processes and threads of one task. */
  readonly maxProcesses: number;
  /** Of the disk of tasks, as it was last read; undefined while nobody watches it. */
  readonly free: () => FreeSpace | undefined;
  readonly reached: (point: CrashPoint) => void;
}
