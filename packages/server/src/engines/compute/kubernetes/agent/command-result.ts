/** How a command ended, from what its shim reported and from what the agent ordered. The rules are those of the process engine. */
import type { EndRecord } from '../agent-api.ts';
import type { StopMark } from './journal.ts';
import type { CommandEnd } from './shim-messages.ts';

/** The end record, before the log and the outputs are stored. */
export type CommandResult = Omit<EndRecord, 'log' | 'outputs' | 'outputsProblem'>;

export interface Stops {
  /** The agent ended the command. */
  readonly mark?: StopMark | undefined;
  /** The container was stopped from outside at this time. */
  readonly stoppedAt?: number | undefined;
}

/** Returns the result of a command whose end its shim has reported. */
export function resultOfEnd(end: CommandEnd, { mark, stoppedAt }: Stops): CommandResult {
  const endedAt = end.endedAt.getTime();
  const group = end.controlGroup;
  const memoryKills = group?.memoryKills ?? 0;
  const isStopped = mark !== undefined && mark.at <= endedAt;
  const hasFailed = end.signal !== undefined || end.code !== 0;
  const isOutOfMemory = memoryKills > 0 && hasFailed;
  // A shell may end with its own code because its last process is gone, or because it cannot start another.
  const signal = end.signal ?? (isStopped && end.killed ? 'SIGKILL' : undefined);
  const isFromOutside = stoppedAt !== undefined && stoppedAt <= endedAt && (!isStopped || stoppedAt < mark.at);
  return {
    end: isOutOfMemory ? 'out-of-memory' : isStopped ? mark.end : 'exit',
    ...(isStopped && !isOutOfMemory && mark.detail !== undefined && { reason: mark.detail }),
    ...(signal === undefined ? { code: end.code ?? 0 } : { signal }),
    startedAt: end.startedAt.getTime(),
    endedAt,
    usage: {
      wallMs: end.wallMs,
      cpuMs: group?.cpuMs ?? end.cpuMs,
      peakMemoryBytes: group?.peakMemoryBytes ?? end.maxRssBytes,
    },
    ...(isFromOutside && { stoppedAt }),
    memoryKills,
  };
}

const NO_USAGE = { wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 };

/** Returns the result of a command that was stopped before it started. */
export function resultOfEarlyStop(mark: StopMark): CommandResult {
  const { end, detail, at } = mark;
  const reason = detail === undefined ? {} : { reason: detail };
  return { end, ...reason, signal: 'SIGTERM', startedAt: at, endedAt: at, usage: NO_USAGE, memoryKills: 0 };
}

/** Returns the result of a command that cannot start. */
export function resultOfRefusal(reason: string, at: number): CommandResult {
  return { end: 'refused', reason, endedAt: at, memoryKills: 0 };
}

/** Returns the result of a command that was not started because of a failure of the platform. */
export function resultOfLoss(reason: string, at: number, stoppedAt?: number): CommandResult {
  return { end: 'lost', reason, endedAt: at, ...(stoppedAt !== undefined && { stoppedAt }), memoryKills: 0 };
}

export interface LostShim extends Stops {
  readonly reason: string;
  /** Of the command; undefined when the shim has not reported its start. */
  readonly startedAt: number | undefined;
  readonly now: number;
}

/**
 * Returns the result of a command whose shim was killed. The kernel kills all processes of a container together when it runs
 * out of memory, so the status of the container decides whether this is a loss.
 */
export function resultOfLostShim({ reason, startedAt, now, mark, stoppedAt }: LostShim): CommandResult {
  const usage = { ...NO_USAGE, wallMs: startedAt === undefined ? 0 : Math.max(0, now - startedAt) };
  const times = { ...(startedAt !== undefined && { startedAt }), endedAt: now, usage, memoryKills: 0, shimGone: true };
  // The agent ended the command, and with its shim all its processes are gone.
  if (mark !== undefined) {
    return {
      end: mark.end,
      ...(mark.detail !== undefined && { reason: mark.detail }),
      signal: 'SIGKILL',
      startedAt: mark.at,
      ...times,
    };
  }
  return {
    end: 'lost',
    reason: `The container of the command was killed before the command ended (${reason}).`,
    ...times,
    ...(stoppedAt !== undefined && { stoppedAt }),
  };
}
