import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketOf, stickyKey, variantAt } from './traffic.ts';

const split = (canary: number) => [
  { name: 'stable', weight: 10_000 - canary },
  { name: 'canary', weight: canary },
];

test('more canary weight only moves keys to the canary', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(10_000), fc.nat(10_000), (key, one, other) => {
      const [less, more] = one < other ? [one, other] : [other, one];
      const bucket = bucketOf('uid', key);
      fc.pre(variantAt(split(less), bucket)?.name === 'canary');
      expect(variantAt(split(more), bucket)?.name).toBe('canary');
    }),
  );
});

test('keys that differ in one digit are distributed by the weights', () => {
  const keys = Array.from({ length: 20_000 }, (_, n) => `user-${n}`);
  const canaries = keys.filter((key) => variantAt(split(1000), bucketOf('uid', key))?.name === 'canary');
  // 2,000 are expected; four standard deviations are 170.
  expect(Math.abs(canaries.length - 2000)).toBeLessThan(170);
});

test('a variant without weight gets no traffic, and none is chosen if all weights are 0', () => {
  fc.assert(
    fc.property(fc.nat(9999), (bucket) => {
      expect(variantAt(split(0), bucket)?.name).toBe('stable');
      expect(variantAt(split(10_000), bucket)?.name).toBe('canary');
      expect(variantAt([{ weight: 0 }], bucket)).toBeUndefined();
      expect(variantAt([{ weight: 0 }, { weight: 0 }], bucket)).toBeUndefined();
    }),
  );
});

test('the key is a header, a parameter or the id, in this order', () => {
  const request = { header: (name: string) => (name === 'user' ? 'h' : undefined), parameters: { user: 7 }, id: 'i' };
  expect(stickyKey({ header: 'User' }, request)).toBe('h');
  expect(stickyKey({ header: 'other', parameter: 'user' }, request)).toBe('7');
  expect(stickyKey({ parameter: 'other' }, request)).toBe('i');
  expect(stickyKey(undefined, { ...request, id: '' })).toBeUndefined();
});
