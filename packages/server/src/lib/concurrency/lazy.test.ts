import { expect, test } from 'vitest';
import { Lazy } from './lazy.ts';

test('is created once, on first use', async () => {
  let made = 0;
  const lazy = new Lazy(async () => await Promise.resolve(++made));
  expect(await lazy.opened()).toBeUndefined();
  expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([1, 1]);
  expect([await lazy.opened(), made]).toEqual([1, 1]);
});

test('a failed load is retried', async () => {
  let tries = 0;
  const lazy = new Lazy(async () => {
    tries += 1;
    if (tries === 1) throw new Error('not yet');
    return await Promise.resolve('there');
  });
  await expect(lazy.get()).rejects.toThrow('not yet');
  expect(await lazy.opened()).toBeUndefined();
  expect(await lazy.get()).toBe('there');
});
