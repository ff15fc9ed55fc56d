import type { ExecutionMark } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { patchMarks } from './marks.ts';
import { againFrom } from './run-again.ts';

function mark(path: string, state: ExecutionMark['state'] = 'succeeded'): ExecutionMark {
  return { path, kind: 'step', state, attempts: 1 };
}

const { marks } = patchMarks(new Map(), [mark('a'), mark('b'), mark('c'), mark('d', 'failed'), mark('c/x')]);
const edges = [
  ['a', 'b'],
  ['b', 'c'],
] as const;

test('a rerun from a step includes its successors and unsuccessful steps', () => {
  expect(againFrom(marks, edges, 'b')).toEqual({ again: ['b', 'c'], runs: ['b', 'c', 'd'], kept: ['a'] });
  expect(againFrom(marks, edges, undefined)).toEqual({ again: [], runs: ['d'], kept: ['a', 'b', 'c'] });
});
