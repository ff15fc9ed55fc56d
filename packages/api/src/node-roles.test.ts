import { expect, test } from 'vitest';
import { NODE_ROLES, nodeWork, rolesWith } from './node-roles.ts';

test.each([
  ['api', ['all', 'api']],
  ['controller', ['all', 'controller']],
  ['gateway', ['all', 'api', 'gateway']],
  ['steps', ['all', 'worker']],
] as const)('%s is done by %s', (work, roles) => {
  expect(rolesWith(work)).toEqual(roles);
});

test('every role does something, and only one does everything', () => {
  const counts = NODE_ROLES.map((role) => Object.values(nodeWork[role]).filter(Boolean).length);
  expect(counts.every((n) => n > 0)).toBe(true);
  expect(counts.filter((n) => n === 4)).toHaveLength(1);
});
