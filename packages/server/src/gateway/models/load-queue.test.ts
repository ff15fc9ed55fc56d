import { expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { LoadQueue } from './load-queue.ts';

function world(width: number) {
  const clock = new ManualClock();
  const queue = new LoadQueue(clock, width);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const load = (name: string, bytes: number, isSuspect = false) =>
    queue.run({ bytes, isSuspect }, async () => {
      started.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const turn = async () => {
    for (let time = 0; time < 3; time++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  const end = async (name: string) => {
    ends.get(name)?.();
    await turn();
  };
  return { clock, started, load, turn, end };
}

test('loads small models first, several at a time', async () => {
  const { started, load, turn, end } = world(2);
  for (const [name, bytes] of [
    ['large', 300],
    ['small', 1],
    ['middle', 20],
  ] as const)
    void load(name, bytes);
  await turn();
  expect(started).toEqual(['small', 'middle']);
  await end('middle');
  expect(started).toEqual(['small', 'middle', 'large']);
});

test('a slow load frees its slot for the next', async () => {
  const { clock, started, load, turn, end } = world(1);
  void load('endless', 1);
  void load('next', 2);
  await turn();
  expect(started).toEqual(['endless']);
  clock.advance(10_000);
  await turn();
  expect(started).toEqual(['endless', 'next']);
  // It has already freed its slot: its end frees no second one.
  void load('third', 3);
  void load('fourth', 4);
  await end('endless');
  expect(started).toEqual(['endless', 'next']);
  await end('next');
  expect(started).toEqual(['endless', 'next', 'third']);
});

test('a model during whose load the gateway died is loaded last and alone', async () => {
  const { started, load, turn, end } = world(4);
  void load('suspect', 1, true);
  void load('other suspect', 1, true);
  void load('healthy', 500);
  await turn();
  expect(started).toEqual(['healthy']);
  await end('healthy');
  expect(started).toEqual(['healthy', 'suspect']);
  void load('late', 1);
  await turn();
  expect(started).toEqual(['healthy', 'suspect']);
  await end('suspect');
  expect(started).toEqual(['healthy', 'suspect', 'late']);
  await end('late');
  expect(started).toHaveLength(4);
});
