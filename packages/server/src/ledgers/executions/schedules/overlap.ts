/** Which of the fires that wait become runs now: pure. */
import type { Overlap } from '@dais/api';

export interface WaitingFire {
  readonly cause: string;
  /** It makes up for the past: it waits for its turn, whatever else is said. */
  readonly backfill: boolean;
}

export interface Verdicts<Fire> {
  readonly start: readonly Fire[];
  readonly skip: readonly Fire[];
  /** How many of those that run make room, the oldest first. */
  readonly cancel: number;
  /** There are others that could start at once. */
  readonly more: boolean;
}

/** `waiting` in their order; `room`: most that start now. */
export function judgeFires<Fire extends WaitingFire>(
  waiting: readonly Fire[],
  { running, overlap, most, room }: { running: number; overlap: Overlap; most: number; room: number },
): Verdicts<Fire> {
  const start: Fire[] = [];
  const skip: Fire[] = [];
  let going = running;
  let cancel = 0;
  let later = waiting.filter(({ backfill }) => !backfill).length;
  for (const fire of waiting) {
    if (!fire.backfill) later -= 1;
    // Those that replace others come before what makes up for the past.
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
