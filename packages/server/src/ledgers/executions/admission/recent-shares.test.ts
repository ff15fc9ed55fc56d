import { expect, test } from 'vitest';
import { admitSteps, type Machines, type ProjectQueue } from './admission.ts';
import { RecentShares } from './recent-shares.ts';

const MINUTE = 60_000;

test('a share counts by its duration, with a half-life of ten minutes', () => {
  const recent = new RecentShares();
  recent.settle(0);
  recent.set(new Map([['a', 0.5]]));
  recent.settle(MINUTE);
  expect(recent.of('a')).toBeCloseTo(0.5 * MINUTE, 6);
  recent.set(new Map());
  recent.settle(11 * MINUTE);
  expect(recent.of('a')).toBeCloseTo(0.25 * MINUTE, 6);
  expect(recent.of('b')).toBe(0);
});

test('shares before the start of a process are added, and decay', () => {
  const recent = new RecentShares();
  recent.settle(0);
  recent.add('a', 8 * MINUTE);
  recent.add('a', 8 * MINUTE);
  recent.settle(10 * MINUTE);
  expect(recent.of('a')).toBeCloseTo(8 * MINUTE, 6);
});

test('a project is removed when its share is negligible', () => {
  const recent = new RecentShares();
  recent.settle(0);
  recent.set(new Map([['a', 1]]));
  recent.settle(1000);
  recent.set(new Map());
  recent.settle(1000 * MINUTE);
  expect(recent.of('a')).toBe(0);
});

/** On a machine that runs one step at a time: how many of 100 steps each project starts, when a step takes so long. */
function turns(projects: readonly { readonly weight: number; readonly minutes: number }[]): readonly number[] {
  const recent = new RecentShares();
  const machines: Machines = { capacity: {}, used: {}, others: [], total: {}, concurrency: 1 };
  const started = projects.map(() => 0);
  let now = 0;
  recent.settle(now);
  for (let n = 0; n < 100; n++) {
    const queues = projects.map(({ weight }, at): ProjectQueue => ({
      id: String(at),
      limits: { resources: {}, runningSteps: 8, queuedSteps: 8, weight },
      running: 0,
      used: {},
      recent: recent.of(String(at)),
      queue: [{ id: `${at}`, priority: 0, readyAt: at, requests: {} }],
      isCut: false,
    }));
    const chosen = Number(admitSteps(queues, machines, 1).steps[0]?.id);
    started[chosen] = (started[chosen] ?? 0) + 1;
    recent.set(new Map([[String(chosen), 1]]));
    now += (projects[chosen]?.minutes ?? 0) * MINUTE;
    recent.settle(now);
  }
  return started;
}

test('if one step runs at a time, projects get time in proportion to their weights', () => {
  expect(
    turns([
      { weight: 1, minutes: 1 },
      { weight: 1, minutes: 1 },
    ]),
  ).toEqual([50, 50]);
  const [heavy = 0, light = 0] = turns([
    { weight: 3, minutes: 0.1 },
    { weight: 1, minutes: 0.1 },
  ]);
  expect(heavy / light).toBeCloseTo(3, 0);
  const [long = 0, short = 0] = turns([
    { weight: 1, minutes: 0.4 },
    { weight: 1, minutes: 0.1 },
  ]);
  expect(short / long).toBeCloseTo(4, 0);
});
