import { expect, test } from 'vitest';
import { checkNode, isAtLeast } from '#doctor/programs.ts';

test.each([
  ['20.19.0', [20, 19], true],
  ['22.0.0', [20, 19], true],
  ['20.18.3', [20, 19], false],
  ['3.9.2', [3, 11], false],
  ['3.11', [3, 11], true],
  ['4', [3, 11], true],
  ['nonsense', [1], false],
])('%s is at least %j: %s', (version, least, want) => {
  expect(isAtLeast(version, least)).toBe(want);
});

test('an old Node is a problem with a remedy', () => {
  expect(checkNode('22.20.0')).toMatchObject({
    state: 'problem',
    remedy: expect.stringContaining('Node 24') as string,
  });
  expect(checkNode('24.1.0').state).toBe('ok');
});
