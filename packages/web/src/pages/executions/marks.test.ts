import type { ExecutionMark } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { childrenOf, countGroups, downstreamOf, patchMarks } from './marks.ts';

function mark(path: string, more: Partial<ExecutionMark> = {}): ExecutionMark {
  return { path, kind: 'step', state: 'pending', attempts: 0, ...more };
}

const of = (...marks: readonly ExecutionMark[]) => patchMarks(new Map(), marks).marks;

test('a repeated report changes nothing', () => {
  const marks = of(mark('a'), mark('b'));
  const again = patchMarks(marks, [mark('a'), mark('b')]);
  expect([again.marks === marks, again.grown]).toEqual([true, false]);
  const changed = patchMarks(marks, [mark('a', { state: 'running' }), mark('b')]);
  expect([changed.grown, changed.marks.get('a')?.state, changed.marks.get('b') === marks.get('b')]).toEqual([
    false,
    'running',
    true,
  ]);
  expect(patchMarks(marks, [mark('c')]).grown).toBe(true);
});

test('iterations are sorted by their numbers', () => {
  const children = childrenOf(['loop', 'loop/10', 'loop/9', 'b', 'loop/9/fit']);
  expect(children.get('')).toEqual(['b', 'loop']);
  expect(children.get('loop')).toEqual(['loop/9', 'loop/10']);
  expect(children.get('loop/9')).toEqual(['loop/9/fit']);
});

test('groups count all their steps', () => {
  const marks = of(
    mark('loop', { kind: 'loop' }),
    mark('loop/0', { kind: 'graph' }),
    mark('loop/0/a', { state: 'failed' }),
    mark('loop/0/b', { state: 'running' }),
    mark('c', { state: 'succeeded' }),
  );
  const counts = countGroups(marks);
  expect(counts.get('loop')).toEqual({ steps: 2, ended: 1, failed: 1, running: 1 });
  expect(counts.get('')).toMatchObject({ steps: 3, ended: 2 });
});

test('each successor of a step is found once, cycles included', () => {
  const edges = [
    ['a', 'b'],
    ['b', 'c'],
    ['a', 'c'],
    ['x', 'a'],
    ['c', 'b'],
  ] as const;
  expect([...downstreamOf('a', edges)]).toEqual(['a', 'b', 'c']);
});
