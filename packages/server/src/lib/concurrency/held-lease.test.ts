import { expect, test } from 'vitest';
import { HeldLease } from './held-lease.ts';

const TTL_MS = 6000;

/** A lease that another process has until `freeAt`. */
function leaseUntil(freeAt: number) {
  const state = { now: 0, tries: 0, released: 0 };
  const lease = new HeldLease<string>({
    acquire: async () => {
      state.tries += 1;
      return await Promise.resolve(state.now >= freeAt ? 'ours' : undefined);
    },
    release: async () => {
      state.released += 1;
      await Promise.resolve();
    },
    ttlMs: TTL_MS,
    now: () => state.now,
  });
  return { state, lease };
}

test('is acquired by the first turn and extended after a third of its time', async () => {
  const { state, lease } = leaseUntil(0);
  for (state.now = 0; state.now <= TTL_MS / 3; state.now += 100) expect(await lease.keep()).toBe('ours');
  expect(state.tries).toBe(1);
  await lease.keep();
  expect(state.tries).toBe(2);
});

test('of another process is not requested with each turn: notifications wake the loops of all processes', async () => {
  const { state, lease } = leaseUntil(6000);
  for (state.now = 0; state.now < 6000; state.now += 100) expect(await lease.keep()).toBeUndefined();
  expect(state.tries).toBe(6);
  // Its expiry is noticed within a sixth of its time.
  for (; (await lease.keep()) === undefined; state.now += 100) expect(state.now).toBeLessThan(6000 + TTL_MS / 6);
  expect(lease.current).toBe('ours');
});

test('is requested again when the clock was set back', async () => {
  const { state, lease } = leaseUntil(-10_000);
  state.now = -20_000;
  expect(await lease.keep()).toBeUndefined();
  state.now = -9_000;
  expect(await lease.keep()).toBe('ours');
  const refused = leaseUntil(1);
  expect(await refused.lease.keep()).toBeUndefined();
  refused.state.now = -3_600_000;
  expect(await refused.lease.keep()).toBeUndefined();
  expect(refused.state.tries).toBe(2);
});

test('that was lost is acquired again by the next turn', async () => {
  const { state, lease } = leaseUntil(0);
  await lease.keep();
  lease.lose();
  expect(lease.current).toBeUndefined();
  expect(await lease.keep()).toBe('ours');
  expect(state.tries).toBe(2);
  await lease.release();
  expect(state.released).toBe(1);
});
