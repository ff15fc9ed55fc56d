import { expect, test } from 'vitest';
import { checkQueries } from '#doctor/queries.ts';

test('whether queries run, how they are isolated, and the remedy if they do not run', async () => {
  const found = async (boundary: string) =>
    await checkQueries(async () => await Promise.resolve({ version: 'v1.5.6', boundary }));
  expect(await found('bubblewrap')).toEqual({
    name: 'queries',
    state: 'ok',
    detail: 'DuckDB v1.5.6 runs in a process isolated by bubblewrap',
  });
  expect(await found('none')).toMatchObject({
    state: 'ok',
    detail: 'DuckDB v1.5.6 runs in a process with limits, without isolation',
  });
  expect(await checkQueries(async () => await Promise.reject(new Error('No glibc.')))).toMatchObject({
    state: 'problem',
    detail: 'the query process cannot run: No glibc.',
  });
});
