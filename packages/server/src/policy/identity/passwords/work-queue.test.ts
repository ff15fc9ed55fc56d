import { expect, test } from 'vitest';
import { WorkQueue } from './work-queue.ts';

const pending = () => {
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release: () => release() };
};

test('runs a few, queues a few, and rejects the rest', async () => {
  const queue = new WorkQueue(2, 1, 'Too many at this moment.');
  const first = pending();
  const order: string[] = [];
  const work = (name: string) =>
    queue.run(async () => {
      order.push(name);
      await first.promise;
    });
  const running = [work('a'), work('b'), work('c')];
  await expect(work('d')).rejects.toMatchObject({ code: 'overloaded' });
  expect(order).toEqual(['a', 'b']);
  first.release();
  await Promise.all(running);
  expect(order).toEqual(['a', 'b', 'c']);
  await queue.run(async () => {});
});

test('a failed task releases its slot', async () => {
  const queue = new WorkQueue(1, 0, 'Too many at this moment.');
  await expect(queue.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await queue.run(async () => 1)).toBe(1);
});
