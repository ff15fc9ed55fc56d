/** A short round of what `data-kill.full.test.ts` does at length. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { featureKillRounds } from './testing/feature-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-features-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const left = { unowned: 0, missing: 0 };
test('kill -9 during features, checks and labels: nothing is visible partially, nothing is lost', async () => {
  const { kills, ...report } = await featureKillRounds(
    join(folder, 'features'),
    // The long run kills each of them, three times in each of four rounds.
    { rounds: 1, entities: 20_000, kills: 1, killed: ['full', 'push', 'bad check'] },
    seededRandom(12),
  );
  expect(report).toEqual({ problems: [], left, exitCode: 0 });
  expect(kills).toBeGreaterThan(1);
});
