import { expect, test } from 'vitest';
import { continueOnPinnedNode, isNewEnough } from './runtime.mjs';

test.each([
  ['18.20.8', false],
  ['20.20.2', false],
  ['22.23.5', false],
  ['24.0.0', true],
  ['26.12.1', true],
])('Node %s is new enough: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

test('a process on Node 24 continues itself', async () => {
  const announced: string[] = [];
  expect(await continueOnPinnedNode((text) => announced.push(text))).toBeUndefined();
  expect(announced).toEqual([]);
});
