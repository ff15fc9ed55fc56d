import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { dataKillRounds, featureKillRounds } from '#testing/feature-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-data-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const seed = Date.now() % 1_000_000;
// The times of kills differ between runs; the seed identifies them.
process.stdout.write(`seed ${seed}\n`);
const left = { unowned: 0, missing: 0 };

test('kill -9 while versions are created: each is complete or absent', async () => {
  // One kill fewer than the attempts of a push, because each kill can end one.
  const size = { pushes: 4, rows: 200_000, kills: 4 };
  const { kills, versions, ...report } = await dataKillRounds(join(folder, 'data'), size, seededRandom(seed));
  expect({ versions, ...report }).toEqual({ versions: 4, problems: [], left, exitCode: 0 });
  expect(kills).toBeGreaterThan(3);
});

test('kill -9 during features, checks and labels: nothing partial is visible, nothing is lost', async () => {
  const size = { rounds: 4, entities: 60_000, kills: 3 };
  const { kills, ...report } = await featureKillRounds(join(folder, 'features'), size, seededRandom(seed));
  expect(report).toEqual({ problems: [], left, exitCode: 0 });
  expect(kills).toBeGreaterThan(20);
});
