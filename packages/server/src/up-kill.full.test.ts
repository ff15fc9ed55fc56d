import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { killRounds } from './testing/kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('kill -9 a hundred times under concurrent applies: nothing acknowledged is lost, nothing is left behind', async () => {
  const seed = Date.now() % 1_000_000;
  // The times of the kills differ between runs; the seed determines the attempted writes.
  process.stdout.write(`seed ${seed}\n`);
  const { acknowledged, promised, ...report } = await killRounds(folder, 100, seededRandom(seed));
  expect(report).toEqual({ problems: [], exitCode: 0, repeated: expect.any(Number) });
  expect(acknowledged).toBeGreaterThan(300);
  expect(promised).toBeGreaterThan(30);
});
