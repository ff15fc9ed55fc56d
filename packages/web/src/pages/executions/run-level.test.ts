import type { ExecutionMark } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { childrenOf, patchMarks } from './marks.ts';
import { initialStep, groupsAround, groupsWithLines, levelOf, contentOf, opensItself } from './run-level.ts';

function mark(path: string, more: Partial<ExecutionMark> = {}): ExecutionMark {
  return { path, kind: 'step', state: 'succeeded', attempts: 1, ...more };
}

const all = [
  mark('load'),
  mark('train', { kind: 'loop', items: 2, state: 'running' }),
  mark('train/0', { kind: 'graph' }),
  mark('train/0/fit'),
  mark('train/0/score', { state: 'failed', endedAt: 5 }),
  mark('train/1', { kind: 'graph', state: 'pending' }),
  mark('deep', { kind: 'graph' }),
  mark('deep/x', { state: 'failed', endedAt: 3 }),
];
const { marks } = patchMarks(new Map(), all);
const children = childrenOf(marks.keys());

test('open groups are drawn with their steps when their lines are known', () => {
  const isOpen = (path: string) => path !== 'deep';
  const edges = new Map([['', [['load', 'train'] as const]]]);
  const level = levelOf({ marks, children, edges, isOpen });
  expect(level.edges).toEqual([['load', 'train']]);
  expect(
    level.nodes.map(({ id, group, inside }) => [id, group, inside?.nodes.map((node) => [node.id, node.group])]),
  ).toEqual([
    ['deep', true, undefined],
    ['load', false, undefined],
    [
      'train',
      true,
      [
        ['train/0', true],
        ['train/1', false],
      ],
    ],
  ]);
  expect(groupsWithLines({ marks, children, isOpen })).toEqual(['', 'train/0']);
});

test('small groups are open initially, large executions stay collapsed', () => {
  expect(opensItself(marks.get('train'), marks.size)).toBe(true);
  expect(opensItself(mark('x', { kind: 'loop', items: 50 }), 60)).toBe(false);
  expect(opensItself(marks.get('train'), 500)).toBe(false);
  expect(groupsAround('train/0/fit')).toEqual(['train', 'train/0']);
});

test('the first failed step is selected initially, or the only step', () => {
  expect(initialStep(marks)).toBe('deep/x');
  expect(initialStep(patchMarks(new Map(), [mark('main')]).marks)).toBe('main');
  expect(initialStep(patchMarks(new Map(), [mark('a'), mark('b')]).marks)).toBeUndefined();
});

test('nodes show duration, attempts and progress', () => {
  const step = mark('a/fit', { startedAt: 1000, endedAt: 4000, attempts: 2 });
  expect(contentOf(step, undefined)).toMatchObject({
    title: 'fit',
    word: 'succeeded',
    note: '3.0 s · 2 attempts',
    about: 'a/fit',
  });
  expect(contentOf(mark('a', { source: 'cache' }), undefined)).toMatchObject({ word: 'cached' });
  const count = { steps: 3, ended: 2, failed: 1, running: 0 };
  expect(contentOf(all[1]!, count)).toMatchObject({ word: 'running', note: '2 items · 2 of 3 · 1 failed' });
});
