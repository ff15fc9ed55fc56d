import { expect, test } from 'vitest';
import { checkQueries } from '#doctor/queries.ts';

test('whether queries run, and what to do if not', async () => {
  expect(await checkQueries(async () => await Promise.resolve({ version: 'v1.5.6' }))).toEqual({
    name: 'queries',
    state: 'ok',
    detail: 'DuckDB v1.5.6 runs in a process of its own',
  });
  expect(await checkQueries(async () => await Promise.reject(new Error('No glibc.')))).toMatchObject({
    state: 'problem',
    detail: 'the query process cannot run: No glibc.',
  });
});
