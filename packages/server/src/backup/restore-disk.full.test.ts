/** A restore on a disk that becomes full. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backupInstallation, restoreInstallation } from '#admin.ts';
import { killTree, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { SmallDisk } from '#testing/small-disk.ts';

const MIB = 2 ** 20;
let base: string;
let disk: SmallDisk | undefined;
const started: DaisProcess[] = [];
const flags = (data: string) => ({
  data: join(base, 'disk', data),
  'keys.type': 'file',
  'keys.folder': join(base, 'keys'),
});

function launch(data: string): DaisProcess {
  const dais = startDaisProcess(flags(data));
  started.push(dais);
  return dais;
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-restore-disk-'));
  // Room for an installation (69 MiB), its content and the next segments of the write-ahead log.
  disk = await SmallDisk.mount(join(base, 'disk'), 192 * MIB);
});
afterAll(async () => {
  for (const dais of started) await killTree(dais);
  await disk?.unmount();
  await rm(base, { recursive: true, force: true });
});

test('it leaves no content, and succeeds when it is repeated with more space', async () => {
  const dais = launch('old');
  const url = await dais.ready;
  const body = new Uint8Array(randomBytes(50 * MIB));
  const artifact = '/api/2.0/mlflow-artifacts/artifacts/large';
  expect((await fetch(`${url}${artifact}`, { method: 'PUT', body })).status).toBe(200);
  dais.process.kill('SIGTERM');
  await dais.ended;
  const backup = join(base, 'backup');
  await backupInstallation({ flags: flags('old'), to: backup });
  await rm(join(disk!.path, 'old'), { recursive: true });

  // Enough for a new database, and not for the content.
  await disk!.fill(82 * MIB);
  await expect(restoreInstallation({ flags: flags('copy'), from: backup })).rejects.toMatchObject({
    code: 'storage_full',
    message: expect.stringContaining(disk!.path),
  });
  const left = (await readdir(join(disk!.path, 'copy', 'blobs'), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  expect(left.map(({ name }) => name)).toEqual([]);
  await disk!.free();
  await restoreInstallation({ flags: flags('copy'), from: backup });
  const restored = launch('copy');
  const response = await fetch(`${await restored.ready}${artifact}`);
  expect((await response.arrayBuffer()).byteLength).toBe(50 * MIB);
  restored.process.kill('SIGTERM');
  expect(await restored.ended).toBe(0);
});
