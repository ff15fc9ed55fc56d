import { expect, test } from 'vitest';
import { Semaphore } from './semaphore.ts';

test('two run concurrently, in order, and an aborted one leaves the queue', async () => {
  const slots = new Semaphore(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) => async () => {
    started.push(number);
    await new Promise<void>((resolve) => ends.push(resolve));
    return number;
  };
  const stop = new AbortController();
  const first = [slots.run(work(1)), slots.run(work(2))];
  const third = slots.run(work(3), stop.signal);
  const fourth = slots.run(work(4));
  await expect.poll(() => started).toEqual([1, 2]);
  stop.abort(new Error('enough'));
  await expect(third).rejects.toThrow('enough');
  ends[0]?.();
  await expect.poll(() => started).toEqual([1, 2, 4]);
  for (const end of ends) end();
  expect(await Promise.all([...first, fourth])).toEqual([1, 2, 4]);
});

test('failed work releases its slot', async () => {
  const slots = new Semaphore(1);
  await expect(slots.run(async () => await Promise.reject(new Error('work')))).rejects.toThrow('work');
  expect(await slots.run(async () => 2)).toBe(2);
});
