import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { auditKillRounds } from './testing/audit-kill-rounds.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-audit-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test(
  'kill -9 under concurrent applies: each acknowledged write has one entry, and every checkpoint outside fits',
  { timeout: 300_000 },
  async () => {
    const { acknowledged, received, verified, ...report } = await auditKillRounds(folder, 3, seededRandom(5));
    expect(report).toEqual({ problems: [], exitCode: 0 });
    expect(verified).toMatchObject({ ok: true, findings: [] });
    expect(acknowledged).toBeGreaterThan(3);
    expect(received).toBeGreaterThan(0);
    // Three places outside have them.
    expect(verified.checkpoints).toBeGreaterThanOrEqual(received);
  },
);
