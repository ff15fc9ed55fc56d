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

test('kill -9 with 16 logging clients: each acknowledged point exists once', { timeout: 300_000 }, async () => {
  const { acknowledged, points, ...report } = await trackingKillRounds(folder, 3, seededRandom(7));
  expect(report).toEqual({ problems: [], exitCode: 0, repeated: expect.any(Number) });
  expect(report.repeated).toBeGreaterThan(0);
  expect(acknowledged).toBeGreaterThan(48);
  expect(points).toBeGreaterThan(acknowledged);
});
