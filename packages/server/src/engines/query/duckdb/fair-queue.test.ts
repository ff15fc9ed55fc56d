import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

test('serves one caller at a time, alternates owners, and removes aborted callers', async () => {
  const turns = new FairQueue(5);
  await turns.take('a', undefined);
  const order: string[] = [];
  const ask = async (owner: string, name: string, signal?: AbortSignal) => {
    await turns.take(owner, signal);
    order.push(name);
    turns.next();
  };
  const abort = new AbortController();
  const request = [ask('a', 'a1'), ask('a', 'a2'), ask('b', 'b1'), ask('a', 'a3')];
  const given = ask('c', 'c1', abort.signal);
  expect(turns).toMatchObject({ running: 1, waiting: 5, full: true });
  abort.abort(new Error('no more'));
  await expect(given).rejects.toThrow('no more');
  expect(turns.waiting).toBe(4);
  turns.next();
  await Promise.all(request);
  expect(order).toEqual(['a1', 'b1', 'a2', 'a3']);
  expect(turns).toMatchObject({ running: 0, waiting: 0, full: false });
  await expect(turns.take('d', abort.signal)).rejects.toThrow('no more');
});
