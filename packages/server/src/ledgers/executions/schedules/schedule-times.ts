/** The times of a schedule: pure, and the same for whoever asks. All of them are milliseconds since 1970-01-01 UTC. */
import { readCron, type Starting } from '@dais/api';
import { Cron } from 'croner';

export interface Timing {
  readonly when: Starting;
  /** Intervals are counted from here. */
  readonly anchor: number;
  readonly startsAt?: number | undefined;
  readonly endsAt?: number | undefined;
}

/** The end of the year 9999: RFC 3339 has no later time, nor does the database read one from its text. */
const LAST = 253_402_300_799_999;

/** The first time after `after`. Undefined: there is none, or it starts for other reasons. */
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
  if ('fault' in reading) return undefined;
  // An hour that a clock leaves out counts as the moment of its jump; one that it shows twice counts once.
  const cron = new Cron(reading.cron, { timezone: when.zone, paused: true });
  // Its times are whole seconds.
  return cron.nextRun(new Date(Math.floor(after / 1000) * 1000))?.getTime();
}

export interface Due {
  readonly times: readonly number[];
  /** The first time that is not among them. */
  readonly next: number | undefined;
}

/** What has come due of the times from `from` on: each of them, at most `room`, or only the latest. */
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

/** Looks back over ever wider spans: there may be millions of times between `from` and `now`. */
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

/** At most `most` times from `from` to `to`, both included. */
export function timesBetween(timing: Timing, from: number, to: number, most: number): readonly number[] {
  const times: number[] = [];
  for (let next = nextTime(timing, from - 1); next !== undefined && next <= to; next = nextTime(timing, next)) {
    if (times.length >= most) break;
    times.push(next);
  }
  return times;
}
