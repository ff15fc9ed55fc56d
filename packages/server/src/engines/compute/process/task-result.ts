/** How a task ended, from the files in its folder and from what was measured while it ran. */
import type { GroupUsage } from '#engines/isolation/limits/control-groups.ts';
import type { TaskState, TaskUsage } from '../contract.ts';
import {
  refusedBeforeStart,
  stoppedBeforeStart,
  type ShimIdentity,
  type StopMark,
  type TaskFolder,
} from './task-folder.ts';
import { KILLED, signalName, usageAtEnd } from './task-processes.ts';

interface CommandEnd {
  readonly code: number;
  readonly signalled: boolean;
  readonly cpuMs: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface Measured {
  readonly used: GroupUsage;
  readonly sampled: Pick<TaskUsage, 'cpuMs' | 'peakMemoryBytes'>;
  /** Outbound connections that were refused. */
  readonly refused: NonNullable<Extract<TaskState, { phase: 'ended' }>['refusedConnections']>;
}

/** Returns the state of a task whose shim has recorded the end of the command. */
export async function resultOfEnd(
  folder: TaskFolder,
  end: CommandEnd,
  mark: StopMark | undefined,
  { used, sampled, refused }: Measured,
): Promise<TaskState> {
  const word = folder.read('begun');
  if (word !== 'begun\n' && mark === undefined) return await refusedBeforeStart(folder, word);
  const startedAt = folder.modified('begun') ?? end.at;
  const isStopped = mark !== undefined && mark.at <= end.at;
  const failed = end.signalled || end.code !== 0;
  const ranOut = used.memoryKills > 0 && failed;
  // If everything was killed together, no process may have been left to report the signal.
  const killed = isStopped && (end.code === KILLED || folder.wasKilled());
  const signal = end.signalled ? signalName(end.code - 128) : killed ? 'SIGKILL' : undefined;
  return {
    phase: 'ended',
    end: ranOut ? 'out-of-memory' : isStopped ? mark.end : 'exit',
    ...(isStopped && !ranOut && mark.detail !== undefined && { detail: mark.detail }),
    ...(signal === undefined ? { code: end.code } : { signal }),
    startedAt: new Date(startedAt),
    endedAt: new Date(end.at),
    usage: usageAtEnd(end.at - startedAt, end.cpuMs, sampled, used),
    ...(refused.length > 0 && { refusedConnections: refused }),
  };
}

interface LostTask {
  readonly shim: ShimIdentity | undefined;
  /** Of the machine now. */
  readonly bootId: string;
  /** Error of the start of the shim. */
  readonly spawnProblem: string | undefined;
}

/** Returns the state of a task whose shim has ended without recording an end. */
export function resultOfLost(
  folder: TaskFolder,
  mark: StopMark | undefined,
  { shim, bootId, spawnProblem }: LostTask,
): TaskState {
  if (mark !== undefined && (shim === undefined || folder.modified('begun') === undefined)) {
    return stoppedBeforeStart(mark);
  }
  if (shim === undefined) {
    const reason = spawnProblem ?? 'its shim ended before it could start the command: is the disk full?';
    return { phase: 'refused', reason };
  }
  const reason =
    shim.bootId === bootId
      ? `its shim (process ${shim.pid}) ended without an exit code`
      : 'the machine restarted while it ran';
  return { phase: 'lost', reason };
}
