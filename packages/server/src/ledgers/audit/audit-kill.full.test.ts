import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { auditKillRounds } from '#testing/audit-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-audit-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('kill -9 fifty times: each acknowledged write has one entry, and every external checkpoint matches', async () => {
  const seed = Date.now() % 1_000_000;
  // The moments of the kills differ from run to run; the seed identifies them.
  process.stdout.write(`seed ${seed}\n`);
  const { acknowledged, received, verified, ...report } = await auditKillRounds(folder, 50, seededRandom(seed));
  process.stdout.write(`${acknowledged} applies, ${received} checkpoints\n`);
  expect(report).toEqual({ problems: [], exitCode: 0 });
  expect(verified).toMatchObject({ ok: true, findings: [] });
  expect(acknowledged).toBeGreaterThan(200);
  expect(received).toBeGreaterThan(5);
});
