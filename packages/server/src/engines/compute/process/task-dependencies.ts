/** Shared dependencies of the tasks of one engine. */
import type { ControlGroups } from '#engines/isolation/limits/control-groups.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { OutsideProgram } from '#engines/isolation/outside-programs.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { TaskProxy } from '../contract.ts';
import type { DeviceLeases } from './capacity.ts';
import type { FreeSpace } from '../disk-watch.ts';
import type { Launcher } from './shim/launcher.ts';
import type { Reachable } from '#engines/isolation/relay.ts';
import type { RelayHelper } from '#engines/isolation/relay-helper.ts';

/** Points at which tests inject a crash. */
export type CrashPoint = 'staged' | 'submitted' | 'prepared' | 'spawned' | 'ended' | 'result';

export interface TaskDependencies {
  readonly clock: Clock;
  readonly log: Log;
  readonly groups: ControlGroups | undefined;
  readonly isolation: Isolation;
  /** Folders that no isolated task sees. */
  readonly hidden: readonly string[];
  /** Starts programs of the machine in an image. */
  readonly outside: OutsideProgram | undefined;
  readonly leases: DeviceLeases;
  readonly launcher: Launcher;
  readonly bootId: string;
  /** PATH of the shim and, after the PATH of its environment, of the task. */
  readonly path: string;
  /** Undefined where it is missing: slower programs replace it. */
  readonly perl: string | undefined;
  /** Undefined without Perl: a process per task replaces it. */
  readonly relayHelper: RelayHelper | undefined;
  readonly hasGpus: boolean;
  /** Addresses that isolated tasks reach. */
  readonly reach: readonly Reachable[];
  /** The proxy of isolated tasks with network access. */
  readonly proxy: TaskProxy | undefined;
  /** Limit of processes and threads of one task. */
  readonly maxProcesses: number;
  /** Free space of the disk of tasks; undefined while it is not watched. */
  readonly free: () => FreeSpace | undefined;
  readonly reached: (point: CrashPoint) => void;
}
