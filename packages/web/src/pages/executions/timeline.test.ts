import type { ExecutionMark } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { patchMarks } from './marks.ts';
import { tickText, ticksOf, timelineOf } from './timeline.ts';

function mark(path: string, startedAt?: number, endedAt?: number): ExecutionMark {
  const times = { ...(startedAt !== undefined && { startedAt }), ...(endedAt !== undefined && { endedAt }) };
  return { path, kind: 'step', state: endedAt === undefined ? 'running' : 'succeeded', attempts: 1, ...times };
}

test('steps are at their positions in the total time', () => {
  const { marks } = patchMarks(new Map(), [mark('b', 2000, 4000), mark('a', 1000, 2000), mark('c', 4000), mark('d')]);
  const { rows, totalMs } = timelineOf(marks, 5000);
  expect(rows.map(({ mark: { path }, left, width }) => [path, left, width])).toEqual([
    ['a', 0, 0.25],
    ['b', 0.25, 0.5],
    ['c', 0.75, 0.25],
  ]);
  expect(totalMs).toBe(4000);
  expect(timelineOf(new Map(), 5)).toEqual({ rows: [], from: 5, totalMs: 0 });
});

test('the time axis has a few ticks, at round seconds', () => {
  expect(ticksOf(4200)).toEqual([1000, 2000, 3000, 4000]);
  expect(ticksOf(3_600_000)).toHaveLength(6);
  expect(ticksOf(400)).toEqual([]);
  expect([5000, 90_000, 7_200_000].map(tickText)).toEqual(['5 s', '1.5 min', '2 h']);
});
