import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { executionKillRounds } from '#testing/execution-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-executions-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('kill -9 during a run of 50 steps: each runs and is committed once', { timeout: 600_000 }, async () => {
  const { kills, ...report } = await executionKillRounds(folder, { layers: 5, width: 10, kills: 4 }, seededRandom(11));
  expect(report).toEqual({ problems: [], exitCode: 0 });
  expect(kills).toBeGreaterThan(1);
});
