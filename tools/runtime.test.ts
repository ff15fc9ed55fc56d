import { readFileSync } from 'node:fs';
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

test('a process on Node 24 goes on itself', async () => {
  const announced: string[] = [];
  expect(await continueOnPinnedNode((text) => announced.push(text))).toBeUndefined();
  expect(announced).toEqual([]);
});

test('it imports only JavaScript and modules of Node, because it runs on Node 20 and before npm ci', () => {
  const files = [new URL('runtime.mjs', import.meta.url).href];
  const others: string[] = [];
  for (const at of files) {
    for (const [, from = ''] of readFileSync(new URL(at), 'utf8').matchAll(
      /^(?:import|export) .*? from '([^']+)';$/gms,
    )) {
      const target = new URL(from, at).href;
      if (/^\..*\.mjs$/.test(from) && !files.includes(target)) files.push(target);
      else if (!/^(node:|\..*\.mjs$)/.test(from)) others.push(`${at}: ${from}`);
    }
  }
  expect(others).toEqual([]);
  expect(files.some((file) => file.endsWith('/process-lock.mjs'))).toBe(true);
});
