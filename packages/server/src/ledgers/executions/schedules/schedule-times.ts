/** Calculates the times of a schedule, in milliseconds since 1970-01-01 UTC. */
import { readCron, type Starting } from '@dais/api/executions';
import { Cron } from 'croner';

export interface Timing {
  readonly when: Starting;
  /** Intervals are counted from here. */
  readonly anchor: number;
  readonly startsAt?: number | undefined;
  readonly endsAt?: number | undefined;
}

/** The end of the year 9999: neither RFC 3339 nor the text format of the database has later times. */
const LAST = 253_402_300_799_999;

/** Returns the first time after `after`. Undefined: there is none, or the schedule starts on events. */
export function nextTime(timing: Timing, after: number): number | undefined {
  const { startsAt, endsAt } = timing;
  const next = timeAfter(timing, startsAt === undefined ? after : Math.max(after, startsAt - 1));
  return next === undefined || next > Math.min(endsAt ?? LAST, LAST) ? undefined : next;
}

function timeAfter({ when, anchor }: Timing, after: number): number | undefined {
  if (when.type === 'interval') {
    const step = when.seconds * 1000;
    return anchor + Math.max(1, Math.floor((after - anchor) / step) + 1) * step;
  }
  if (when.type !== 'cron') return undefined;
  const reading = readCron(when.cron);
  if ('problem' in reading) return undefined;
  // At a change of daylight saving time, a skipped hour counts as the time of the change, and a repeated hour counts once.
  const cron = new Cron(reading.cron, { timezone: when.zone, paused: true });
  // The cron library works with whole seconds.
  return cron.nextRun(new Date(Math.floor(after / 1000) * 1000))?.getTime();
}

export interface Due {
  readonly times: readonly number[];
  /** The first time that is not in `times`. */
  readonly next: number | undefined;
}

/** Returns the due times since `from`: with `catchUp` all of them, up to `room`, else only the latest. */
export function dueTimes(
  timing: Timing,
  from: number,
  now: number,
  { catchUp, room }: { readonly catchUp: boolean; readonly room: number },
): Due {
  if (from > now) return { times: [], next: from };
  const times = [catchUp ? from : latestTime(timing, from, now)];
  for (;;) {
    const next = nextTime(timing, times.at(-1)!);
    if (next === undefined || next > now || times.length >= room) return { times, next };
    times.push(next);
  }
}

/** Searches backwards over growing spans, because there may be millions of times between `from` and `now`. */
function latestTime(timing: Timing, from: number, now: number): number {
  let latest = from;
  for (let span = 1000; now - span > from; span *= 2) {
    const found = nextTime(timing, now - span);
    if (found === undefined || found > now) continue;
    latest = found;
    break;
  }
  for (let next = nextTime(timing, latest); next !== undefined && next <= now; next = nextTime(timing, next))
    latest = next;
  return latest;
}

/** Returns at most `most` times from `from` to `to`, inclusive. */
export function timesBetween(timing: Timing, from: number, to: number, most: number): readonly number[] {
  const times: number[] = [];
  for (let next = nextTime(timing, from - 1); next !== undefined && next <= to; next = nextTime(timing, next)) {
    if (times.length >= most) break;
    times.push(next);
  }
  return times;
}
