import { expect, test } from 'vitest';
import { compareVersions } from './version-order.ts';

test('versions are ordered as semver.org §11 lists them', () => {
  const ordered = [
    '0.9.10',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ];
  const shuffled = [...ordered].sort((a, b) => a.length - b.length || (a < b ? 1 : -1));
  expect(shuffled.sort(compareVersions)).toEqual(ordered);
});

test('build metadata and missing parts do not matter', () => {
  expect(compareVersions('1.2.3+a', '1.2.3+b')).toBe(0);
  expect(compareVersions('1.2', '1.2.0')).toBe(0);
});
