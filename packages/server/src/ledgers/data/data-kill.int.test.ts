import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { dataKillRounds } from '#testing/feature-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-data-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const left = { unowned: 0, missing: 0 };
/** A limit against hanging: a start takes long on a busy machine. */
const PATIENCE_MS = 1_800_000;

test(
  'kill -9 while a version is created: it is complete or absent, and unused uploads are collected',
  async () => {
    const size = { pushes: 1, rows: 100_000, kills: 2 };
    const { kills, ...report } = await dataKillRounds(join(folder, 'data'), size, seededRandom(11));
    expect(report).toEqual({ versions: 1, problems: [], left, exitCode: 0 });
    expect(kills).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);
