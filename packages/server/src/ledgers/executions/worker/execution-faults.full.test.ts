import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { executionClient } from '#testing/execution-client.ts';

const MIB = 2 ** 20;
const TEN_GB = 10_000_000_000;
/** Limit of a log, and of its newest file while it is written. */
const MOST = 64 * MIB;

let folder: string;
let dais: DaisProcess;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-flood-'));
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  url = await dais.ready;
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('a step that writes a log of 10 GB: the kept part stays within its limit, and other steps run meanwhile', async () => {
  const client = executionClient(() => url);
  const command = ['sh', '-c', `head -c ${TEN_GB} /dev/zero | tr '\\0' x; echo; echo last`];
  const { id } = await client.submit({ main: { command, isolation: 'none' } });
  const attempt = async () => (await client.attempts(id, 'main'))[0]?.id ?? '';
  await expect.poll(attempt, { timeout: 60_000 }).not.toBe('');
  const logs = join(folder, 'data', 'compute', 'tasks', await attempt(), 'logs');
  let most = 0;
  while ((await client.get(id)).endedAt === undefined) {
    const names = await readdir(logs).catch(() => []);
    const sizes = await Promise.all(
      names.map(async (name) => (await stat(join(logs, name)).catch(() => ({ size: 0 }))).size),
    );
    most = Math.max(
      most,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    const other = await client.submit({ main: { command: ['true'], isolation: 'none' } });
    expect((await client.ended(other.id)).state).toBe('succeeded');
  }
  expect((await client.get(id)).state).toBe('succeeded');
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(MOST);
  const log = await client.log(id, await attempt());
  expect(log.length).toBeLessThanOrEqual(MOST);
  expect(log.subarray(-6).toString()).toBe('\nlast\n');
});
