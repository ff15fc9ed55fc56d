/** Decides which waiting fires start runs now. */
import type { Overlap } from '@dais/api/executions';

export interface WaitingFire {
  readonly cause: string;
  /** A backfill: it always waits until a run may start, independent of the overlap policy. */
  readonly backfill: boolean;
}

export interface FireDecisions<Fire> {
  readonly start: readonly Fire[];
  readonly skip: readonly Fire[];
  /** Number of running runs to cancel, oldest first. */
  readonly cancel: number;
  /** More fires could start immediately. */
  readonly more: boolean;
}

/** Decides on the fires in their order. `room`: the limit of runs that start now. */
export function decideFires<Fire extends WaitingFire>(
  waiting: readonly Fire[],
  { running, overlap, most, room }: { running: number; overlap: Overlap; most: number; room: number },
): FireDecisions<Fire> {
  const start: Fire[] = [];
  const skip: Fire[] = [];
  let going = running;
  let cancel = 0;
  let later = waiting.filter(({ backfill }) => !backfill).length;
  for (const fire of waiting) {
    if (!fire.backfill) later -= 1;
    // Fires that replace running runs take precedence over backfills.
    const taken = fire.backfill && overlap === 'replace' ? going + later : going;
    const free = taken < most || (overlap === 'allow' && !fire.backfill);
    if (!fire.backfill && overlap === 'replace' && later >= most) skip.push(fire);
    else if (free || (overlap === 'replace' && !fire.backfill)) {
      if (start.length >= room) return { start, skip, cancel, more: true };
      start.push(fire);
      if (free) going += 1;
      else cancel += 1;
    } else if (overlap === 'forbid' && !fire.backfill) skip.push(fire);
  }
  return { start, skip, cancel: Math.min(cancel, running), more: false };
}
