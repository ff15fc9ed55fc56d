/** Determines whether the command of an attempt must stop before it ends, and what the end is if its agent does not report one. */
import type { AttemptFacts, Effect } from './attempt-facts.ts';
import type { CancelRecord } from './attempt-records.ts';
import type { FinalState } from './attempt-state.ts';
import type { JobObject } from './cluster-objects.ts';
import { SECOND_SOURCE_MS, type ObservationClock } from './observation-clock.ts';
import { lost } from './pod-end.ts';
import { graceMsOf, podGraceSeconds } from './pod-plan.ts';

const SECOND = 1000;

/** Why the command must stop before it ends, for the end that follows. */
export interface Stop {
  readonly cause: 'canceled' | 'suspended' | 'deleted';
  readonly note: string;
  readonly effects: readonly Effect[];
  readonly since: Date;
  /** How long Dais waits for the report of the agent. */
  readonly limitMs: number;
  /** Without a report. */
  readonly end: FinalState;
}

export function stopReason(
  { task, eviction, target }: AttemptFacts,
  job: JobObject,
  cancel: CancelRecord | undefined,
  clock: ObservationClock,
): Stop | undefined {
  const podMs = podGraceSeconds(task.limits) * SECOND + SECOND_SOURCE_MS;
  const stop = (
    cause: Stop['cause'],
    note: string,
    limitMs: number,
    end: FinalState,
    more: readonly Effect[] = [],
  ): Stop => ({
    cause,
    note,
    effects: [{ kind: 'order-stop', reason: note }, ...more],
    since: clock.since(cause),
    limitMs,
    end,
  });
  if (cancel !== undefined) {
    const seconds = Math.ceil((graceMsOf(task.limits) + SECOND_SOURCE_MS) / SECOND);
    const reason = `It was canceled, and its agent reported no end within ${seconds} s, so Dais deleted its pod. The result is unknown.`;
    return stop('canceled', 'is being canceled', seconds * SECOND, lost('deleted', reason));
  }
  const isDeleted = job.metadata.deletionTimestamp !== undefined;
  // Before the deletion: Dais deletes a suspended Job, because Kueue would admit it a second time.
  if (job.spec.suspend === true) {
    const actor = target.kueueQueue === undefined ? 'Its Job was suspended.' : 'Kueue stopped it.';
    const { kind, reason } = eviction ?? { kind: 'preempted', reason: actor };
    const more: readonly Effect[] = isDeleted ? [] : [{ kind: 'delete-job' }];
    return stop('suspended', 'is being preempted', podMs, lost(kind, reason), more);
  }
  if (!isDeleted) return undefined;
  const reason = 'Its Job was deleted outside of Dais while it ran. The result is unknown.';
  return stop('deleted', 'its Job was deleted', podMs, lost('deleted', reason));
}
