import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { trackingKillRounds } from '#testing/tracking-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-tracking-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('kill -9 fifty times with 16 logging clients: each acknowledged point exists once', async () => {
  const seed = Date.now() % 1_000_000;
  // The times of the kills differ between runs; the seed reproduces them.
  process.stdout.write(`seed ${seed}\n`);
  const { acknowledged, repeated, points, ...report } = await trackingKillRounds(folder, 50, seededRandom(seed));
  process.stdout.write(`${acknowledged} calls, ${repeated} sent again, ${points} points\n`);
  expect(report).toEqual({ problems: [], exitCode: 0 });
  expect(acknowledged).toBeGreaterThan(800);
  expect(repeated).toBeGreaterThan(50);
});
