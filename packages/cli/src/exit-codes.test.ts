import { DaisError, errorCatalog, type ErrorCode } from '@dais/api';
import { expect, test } from 'vitest';
import { exitCodeOf, exitCodes } from '#exit-codes.ts';

const codes = Object.keys(errorCatalog) as ErrorCode[];

test('every error has a documented exit code', async () => {
  const table = codes.map((code) => `${String(exitCodeOf(new DaisError(code, ''))).padStart(3)} ${code}`).toSorted();
  await expect(`${table.join('\n')}\n`).toMatchFileSnapshot('__golden__/exit-codes.txt');
  const known = new Set<number>(Object.values(exitCodes).map((entry) => entry.code));
  expect(codes.filter((code) => !known.has(exitCodeOf(new DaisError(code, ''))))).toEqual([]);
});

test('no error counts as success', () => {
  expect(codes.map((code) => exitCodeOf(new DaisError(code, '')))).not.toContain(exitCodes.ok.code);
});
