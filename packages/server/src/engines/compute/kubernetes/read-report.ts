/** Translates the end that an agent reported: its times to the clock of Dais, and its words to what the evaluation joins with the cluster. */
import type { TaskUsage } from '../contract.ts';
import type { AgentReport } from './plan/attempt-facts.ts';
import type { StoredReport } from './task-store.ts';

const NO_USAGE: TaskUsage = { wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 };

export function readReport({ podUid, round, clockOffsetMs, end: record }: StoredReport): AgentReport {
  const { end, reason = 'The agent gave no reason.', usage = NO_USAGE, code, signal, memoryKills } = record;
  const times = {
    startedAt: new Date((record.startedAt ?? record.endedAt) + clockOffsetMs),
    endedAt: new Date(record.endedAt + clockOffsetMs),
    usage,
  };
  const from = { podUid, round };
  if (end === 'refused') return { ...from, outcome: 'refused', reason };
  if (end === 'lost') {
    // After the start of the command only a killed shim leaves no end: the status of the pod tells who killed it.
    if (record.startedAt !== undefined) return { ...from, outcome: 'shim-gone', ...times };
    return { ...from, outcome: 'lost', kind: 'control', reason };
  }
  return {
    ...from,
    outcome: 'ended',
    end,
    ...(record.reason !== undefined && { detail: record.reason }),
    ...(signal === undefined ? { code: code ?? 0 } : { signal }),
    isInterrupted: record.stoppedAt !== undefined,
    memoryKills,
    ...times,
  };
}
