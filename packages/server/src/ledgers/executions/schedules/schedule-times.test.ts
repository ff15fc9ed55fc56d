import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueTimes, nextTime, timesBetween, type Timing } from './schedule-times.ts';

const at = (text: string) => Date.parse(text);
const cron = (text: string, zone = 'UTC'): Timing => ({ when: { type: 'cron', cron: text, zone }, anchor: 0 });
const every = (seconds: number, anchor = 0): Timing => ({ when: { type: 'interval', seconds }, anchor });
const times = (timing: Timing, from: string, count: number) =>
  timesBetween(timing, at(from), Infinity, count).map((time) => new Date(time).toISOString().slice(5, 16));

describe('the times of a schedule', () => {
  test('follow the time zone across daylight saving changes', () => {
    const night = cron('30 2 * * *', 'Europe/Berlin');
    // A skipped 02:30 is the time of the change, and a repeated one counts once.
    expect(times(night, '2026-03-28T00:00:00Z', 3)).toEqual(['03-28T01:30', '03-29T01:00', '03-30T00:30']);
    expect(times(night, '2026-10-24T00:00:00Z', 3)).toEqual(['10-24T00:30', '10-25T00:30', '10-26T01:30']);
    const hourly = cron('0 * * * *', 'Europe/Berlin');
    expect(times(hourly, '2026-10-24T23:30:00Z', 3)).toEqual(['10-25T00:00', '10-25T01:00', '10-25T02:00']);
    expect(times(hourly, '2026-03-29T00:00:00Z', 3)).toEqual(['03-29T00:00', '03-29T01:00', '03-29T02:00']);
    expect(times(cron('0 0 * * *', 'Asia/Kathmandu'), '2026-01-01T00:00:00Z', 1)).toEqual(['01-01T18:15']);
  });

  test('have a start and an end, and may be empty', () => {
    const bounded = { ...cron('0 0 * * *'), startsAt: at('2026-01-10T12:00:00Z'), endsAt: at('2026-01-12T00:00:00Z') };
    expect(times(bounded, '2026-01-01T00:00:00Z', 9)).toEqual(['01-11T00:00', '01-12T00:00']);
    expect(nextTime(cron('0 0 30 2 *'), 0)).toBeUndefined();
    expect(nextTime({ when: { type: 'model', model: 'm', alias: 'a' }, anchor: 0 }, 0)).toBeUndefined();
    // No year has five digits.
    const late = at('9999-12-30T23:59:59Z');
    expect(nextTime(every(86_400, late), late)).toBe(at('9999-12-31T23:59:59Z'));
    expect(nextTime(every(86_401, late), late)).toBeUndefined();
    expect(nextTime(every(10, 5000), 5000)).toBe(15_000);
    expect(nextTime(every(10, 5000), 14_999)).toBe(15_000);
    expect(nextTime(every(10, 5000), 15_000)).toBe(25_000);
  });
});

/** Reference implementation that checks every second. */
function secondsOf(minutes: readonly number[], seconds: readonly number[], from: number, to: number): number[] {
  const found: number[] = [];
  for (let time = Math.ceil(from / 1000) * 1000; time <= to; time += 1000) {
    const date = new Date(time);
    if (minutes.includes(date.getUTCMinutes()) && seconds.includes(date.getUTCSeconds())) found.push(time);
  }
  return found;
}

const someOf60 = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 5 });

describe('are independent of when and how often they are checked', () => {
  test('each time is due once with catch-up, and otherwise only the latest', () => {
    const checks = fc.array(fc.integer({ min: 1, max: 1_200_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        someOf60,
        someOf60,
        checks,
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (minutes, seconds, gaps, catchUp, room) => {
          const timing = cron(`${seconds.join(',')} ${minutes.join(',')} * * * *`);
          const start = at('2026-05-05T10:00:00Z');
          let next = nextTime(timing, start);
          let now = start;
          const fired: number[] = [];
          for (const gap of gaps) {
            const before = now;
            now += gap;
            for (;;) {
              if (next === undefined || next > now) break;
              const due = dueTimes(timing, next, now, { catchUp, room });
              expect(due.times.length).toBeLessThanOrEqual(catchUp ? room : 1);
              fired.push(...due.times);
              ({ next } = due);
            }
            const all = secondsOf(minutes, seconds, start + 1, now);
            const latest = (all.at(-1) ?? 0) > before ? all.at(-1) : fired.at(-1);
            expect(catchUp ? fired : fired.at(-1)).toEqual(catchUp ? all : latest);
          }
          expect(fired).toEqual([...new Set(fired)].toSorted((one, other) => one - other));
        },
      ),
    );
  });

  test('after years without a check, the latest time is found without iterating over all', () => {
    const now = at('2036-01-01T00:00:00.500Z');
    const due = dueTimes(cron('* * * * * *'), at('2026-01-01T00:00:00Z'), now, { catchUp: false, room: 100 });
    expect(due).toEqual({ times: [at('2036-01-01T00:00:00Z')], next: at('2036-01-01T00:00:01Z') });
  });
});
