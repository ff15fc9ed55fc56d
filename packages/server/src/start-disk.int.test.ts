/** What a person reads who starts Dais on a disk that cannot be written. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { backupInstallation, restoreInstallation } from './admin.ts';
import { startDaisProcess } from './testing/dais-process.ts';

const PROGRAMS = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
const MIB = 2 ** 20;
let base: string;
let disk: string;
const flags = (data: string) => ({ data: join(disk, data), 'keys.type': 'file', 'keys.folder': join(base, 'keys') });

async function mount(...options: readonly string[]): Promise<void> {
  const mounted = await run('mount', [...options, disk], PROGRAMS);
  if (mounted.code !== 0) throw new Error(`mount: ${mounted.stderr.trim()}\nRun this test as root: it mounts a disk.`);
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-start-disk-'));
  disk = join(base, 'disk');
  await mkdir(disk);
  await mount('-t', 'tmpfs', '-o', `size=${128 * MIB},mode=755`, 'dais-test');
  const dais = startDaisProcess(flags('old'));
  await dais.ready;
  dais.process.kill('SIGTERM');
  await dais.ended;
});
afterAll(async () => {
  await run('umount', ['--lazy', disk], PROGRAMS);
  await rm(base, { recursive: true, force: true });
});

async function startFails(data: string): Promise<string> {
  const dais = startDaisProcess(flags(data));
  await expect(dais.ready).rejects.toThrow('Dais ended before it was ready');
  await dais.ended;
  return dais.output();
}

async function fill(leave: number): Promise<void> {
  const file = await open(join(disk, 'filler'), 'a');
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(disk);
      const take = Math.min(bavail * bsize - leave, MIB);
      if (take <= 0) return;
      await file.write(Buffer.alloc(take));
    }
  } finally {
    await file.close();
  }
}

test.each([
  ['a new data folder', 'new'],
  ['an existing installation', 'old'],
])('%s on a full disk: `storage_full` names the folder', async (_name, data) => {
  for (const leave of [0, 80 * 1024]) {
    await fill(leave);
    const output = await startFails(data);
    expect(output).toMatch(/^storage_full: /m);
    expect(output).toContain(disk);
    await rm(join(disk, 'filler'));
  }
});

test.each([
  ['a new data folder', 'new'],
  ['an existing installation', 'old'],
])('%s on a read-only disk: the error says to mount it read-write', async (_name, data) => {
  await mount('-o', 'remount,ro');
  try {
    const output = await startFails(data);
    expect(output).toMatch(/^invalid_config: .*mounted read-only\. Mount it read-write/m);
    expect(output).toContain(join(disk, data));
  } finally {
    await mount('-o', 'remount,rw');
  }
});

test('it starts once there is space', async () => {
  const dais = startDaisProcess(flags('old'));
  await dais.ready;
  dais.process.kill('SIGTERM');
  expect(await dais.ended).toBe(0);
});

test('a restore whose disk becomes full leaves no content, and succeeds when it is repeated with more space', async () => {
  const dais = startDaisProcess(flags('old'));
  const url = await dais.ready;
  const body = new Uint8Array(randomBytes(50 * MIB));
  const artifact = '/api/2.0/mlflow-artifacts/artifacts/large';
  expect((await fetch(`${url}${artifact}`, { method: 'PUT', body })).status).toBe(200);
  dais.process.kill('SIGTERM');
  await dais.ended;
  const backup = join(base, 'backup');
  await backupInstallation({ flags: flags('old'), to: backup });
  await rm(join(disk, 'old'), { recursive: true });

  // Enough for a new database, and not for the content.
  await fill(82 * MIB);
  await expect(restoreInstallation({ flags: flags('copy'), from: backup })).rejects.toMatchObject({
    code: 'storage_full',
    message: expect.stringContaining(disk),
  });
  const left = (await readdir(join(disk, 'copy', 'blobs'), { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(left.map(({ name }) => name)).toEqual([]);
  await rm(join(disk, 'filler'));
  await restoreInstallation({ flags: flags('copy'), from: backup });
  const restored = startDaisProcess(flags('copy'));
  const response = await fetch(`${await restored.ready}${artifact}`);
  expect((await response.arrayBuffer()).byteLength).toBe(50 * MIB);
  restored.process.kill('SIGTERM');
  expect(await restored.ended).toBe(0);
});
