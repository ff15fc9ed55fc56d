import type { ModelJob } from '@dais/api/serving';
import { expect, test } from 'vitest';
import { progressText, shareOf, splitLines } from './batch-words.ts';

const job = (more: Partial<ModelJob>): ModelJob => ({
  id: '0199c1b2-8f00-7001-9c6e-5a3f40000001',
  kind: 'batch-prediction',
  state: 'running',
  model: 'flights',
  version: 1,
  phase: 'predict',
  shards: { done: 1, total: 3 },
  rows: { done: 20_000, total: 45_000, rejected: 0 },
  problems: [],
  attempts: 1,
  createdBy: { type: 'user', id: 'ada' },
  createdAt: 0,
  ...more,
});

test('progress of a job', () => {
  expect(shareOf(job({}))).toBe(44);
  expect(progressText(job({}))).toBe('20,000 of 45,000 rows, part 1 of 3 (predict)');
  expect(progressText(job({ state: 'pending' }))).toBe('Pending.');
  expect(progressText(job({ rows: { done: 0, total: 0, rejected: 0 }, phase: 'model' }))).toBe('Phase: model.');
  const done = job({
    state: 'succeeded',
    phase: '',
    shards: { done: 1, total: 1 },
    rows: { done: 5, total: 5, rejected: 2 },
  });
  expect([shareOf(done), progressText(done)]).toEqual([100, '5 of 5 rows']);
});

test('lines that arrive in chunks are complete', () => {
  expect(splitLines('{"a":1}\n{"b":2}\n{"c"')).toEqual({ lines: ['{"a":1}', '{"b":2}'], rest: '{"c"' });
  expect(splitLines('')).toEqual({ lines: [], rest: '' });
});
