import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { truncateLog, logSize, logTail } from './server-log.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dais-log-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('bounds the log to twice its limit', async () => {
  const file = path.join(folder, 'postgres.log');
  await truncateLog(file, 100);
  for (let round = 0; round < 10; round += 1) {
    await appendFile(file, `${round}`.repeat(60));
    await truncateLog(file, 100);
    expect((await logSize(file)) + (await logSize(`${file}.1`))).toBeLessThanOrEqual(220);
  }
  expect(await readFile(`${file}.1`, 'utf8')).toBe('8'.repeat(60) + '9'.repeat(60));
});

test('returns the log after a position, and all of it after a rotation', async () => {
  const file = path.join(folder, 'postgres.log');
  expect(await logTail(file, 0)).toBe('');
  await writeFile(file, 'before\n');
  const from = await logSize(file);
  await appendFile(file, 'after\n');
  expect(await logTail(file, from)).toBe('after');
  await writeFile(file, 'new\n');
  expect(await logTail(file, from)).toBe('new');
});
