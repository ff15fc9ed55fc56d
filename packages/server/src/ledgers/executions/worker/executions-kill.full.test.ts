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

test('kill -9 a hundred times during runs of 200 steps: each runs and is committed once', async () => {
  const seed = Date.now() % 1_000_000;
  // The times of the kills differ between runs; the seed reproduces them.
  process.stdout.write(`seed ${seed}\n`);
  const random = seededRandom(seed);
  for (let kills = 0; kills < 100;) {
    const size = { layers: 10, width: 20, kills: 100 - kills };
    const { kills: done, ...report } = await executionKillRounds(folder, size, random);
    expect(report).toEqual({ problems: [], exitCode: 0 });
    kills += done;
  }
});
