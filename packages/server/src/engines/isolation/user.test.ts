import { expect, test } from 'vitest';
import { readPrivileges, uidOf } from './user.ts';

const ALL = '         0          0 4294967295\n';
const status = (capabilities: string) => `Name:\tnode\nCapEff:\t${capabilities}\n`;

test('root of a machine has full privileges, root of a container has not', () => {
  expect(readPrivileges(0, status('000001ffffffffff'), ALL)).toEqual({ isRoot: true, isFullRoot: true });
  // The default set of Docker has no SYS_ADMIN.
  expect(readPrivileges(0, status('00000000a80425fb'), ALL)).toEqual({ isRoot: true, isFullRoot: false });
  // Rootless podman maps 65,536 ids.
  const rootless = '         0       1000          1\n         1     100000      65536\n';
  expect(readPrivileges(0, status('000001ffffffffff'), rootless)).toEqual({ isRoot: true, isFullRoot: false });
  expect(readPrivileges(1000, status('0000000000000000'), ALL)).toEqual({ isRoot: false, isFullRoot: false });
});

test('an owner always has the same id, in an unused range', () => {
  expect(uidOf('a')).toBe(uidOf('a'));
  expect(uidOf('a')).not.toBe(uidOf('b'));
  expect(uidOf('a')).toBeGreaterThanOrEqual(1_900_000_000);
  expect(uidOf('a')).toBeLessThan(2_000_000_000);
});
