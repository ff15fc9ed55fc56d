/** What a person reads who starts Dais on a disk that cannot be written. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess } from './testing/dais-process.ts';
import { SmallDisk } from './testing/small-disk.ts';

const MIB = 2 ** 20;
let base: string;
let disk: SmallDisk | undefined;
const flags = (data: string) => ({ data: join(base, 'disk', data), 'keys.folder': join(base, 'keys') });

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-start-disk-'));
  disk = await SmallDisk.mount(join(base, 'disk'), 128 * MIB);
  const dais = startDaisProcess(flags('old'));
  await dais.ready;
  dais.process.kill('SIGTERM');
  await dais.ended;
});
afterAll(async () => {
  await disk?.unmount();
  await rm(base, { recursive: true, force: true });
});

async function startFails(data: string): Promise<string> {
  const dais = startDaisProcess(flags(data));
  await expect(dais.ready).rejects.toThrow('Dais ended before it was ready');
  await dais.ended;
  return dais.output();
}

test.each([
  ['a new data folder', 'new'],
  ['an existing installation', 'old'],
])('%s on a full disk: `storage_full` names the folder', async (_name, data) => {
  for (const leave of [0, 80 * 1024]) {
    await disk!.fill(leave);
    const output = await startFails(data);
    expect(output).toMatch(/^storage_full: /m);
    expect(output).toContain(disk!.path);
    await disk!.free();
  }
});

test.each([
  ['a new data folder', 'new'],
  ['an existing installation', 'old'],
])('%s on a read-only disk: the error says to mount it read-write', async (_name, data) => {
  await disk!.remount('ro');
  try {
    const output = await startFails(data);
    expect(output).toMatch(/^invalid_config: .*mounted read-only\. Mount it read-write/m);
    expect(output).toContain(join(disk!.path, data));
  } finally {
    await disk!.remount('rw');
  }
});

test('it starts once there is space', async () => {
  const dais = startDaisProcess(flags('old'));
  await dais.ready;
  dais.process.kill('SIGTERM');
  expect(await dais.ended).toBe(0);
});
