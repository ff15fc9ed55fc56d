import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupFiles } from './file-groups.ts';

const fileOf = (n: number, bytes: number) => ({
  bytes,
  digest: createHash('sha256').update(`${n} ${bytes}`).digest('hex'),
});
const files = fc
  .array(fc.integer({ min: 0, max: 12 * 2 ** 20 }), { maxLength: 200 })
  .map((sizes) => sizes.map((bytes, n) => fileOf(n, bytes)));

test('assigns every file to one group in order; a large file is its own group', () => {
  fc.assert(
    fc.property(files, (all) => {
      const groups = groupFiles(all);
      expect(groups.flat()).toEqual(all);
      for (const group of groups) {
        expect(group.length).toBeGreaterThan(0);
        const big = group.some(({ bytes }) => bytes >= 8 * 2 ** 20);
        expect(big && group.length > 1).toBe(false);
      }
    }),
  );
});

test('an additional file does not change most groups', () => {
  const all = Array.from({ length: 1000 }, (_, n) => fileOf(n, 300_000));
  const before = new Set(groupFiles(all).map((group) => group.map(({ digest }) => digest).join()));
  const more = [...all.slice(0, 500), fileOf(5000, 300_000), ...all.slice(500)];
  const other = groupFiles(more).filter((group) => !before.has(group.map(({ digest }) => digest).join()));
  expect(before.size).toBeGreaterThan(100);
  expect(other.length).toBeLessThanOrEqual(3);
});
