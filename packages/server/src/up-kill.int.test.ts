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

test(
  'kill -9 under concurrent applies: nothing acknowledged is lost, nothing is left behind',
  { timeout: 300_000 },
  async () => {
    const { acknowledged, promised, repeated, ...report } = await killRounds(folder, 3, seededRandom(11));
    expect(report).toEqual({ problems: [], exitCode: 0 });
    expect(acknowledged).toBeGreaterThan(10);
    expect(promised).toBeGreaterThan(0);
    expect(repeated).toBeLessThanOrEqual(promised);
  },
);
