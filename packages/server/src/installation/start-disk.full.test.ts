/** What a person reads who starts Dais on a disk that cannot be written. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SUPERUSER } from '#engines/database/embedded/cluster.ts';
import { readServerFile } from '#supervisor/server-file.ts';
import { killTree, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { SmallDisk } from '#testing/small-disk.ts';

const MIB = 2 ** 20;
let base: string;
let disk: SmallDisk | undefined;
const started: DaisProcess[] = [];

const folderOf = (data: string) => join(base, 'disk', data);

/** Dais creates its database itself: a prepared one would be copied onto the full disk before Dais starts. */
function launch(data: string): DaisProcess {
  const dais = startDaisProcess({ data: folderOf(data), 'keys.folder': join(base, 'keys') }, { firstStart: true });
  started.push(dais);
  return dais;
}

/** Writes the current segment of the write-ahead log nearly full and returns its name. */
async function fillLogSegment(data: string): Promise<string> {
  const { database } = (await readServerFile(folderOf(data)))!;
  const client = new Client({ ...database, user: SUPERUSER });
  await client.connect();
  try {
    for (;;) {
      const { rows } = await client.query<{ name: string; used: number }>(
        'select file_name as name, file_offset as used from pg_walfile_name_offset(pg_current_wal_insert_lsn())',
      );
      const { name, used } = rows[0]!;
      if (used > 14 * MIB && used < 15 * MIB) return name;
      await client.query("select pg_logical_emit_message(false, 'test', repeat('x', $1))", [MIB / 4]);
    }
  } finally {
    await client.end();
  }
}

/** Ends Dais so that its next start needs space: PostgreSQL then allocates the next segment of its write-ahead log. */
async function stopWithoutSpareSegments(dais: DaisProcess, data: string): Promise<void> {
  const current = await fillLogSegment(data);
  dais.process.kill('SIGTERM');
  await dais.ended;
  const log = join(folderOf(data), 'postgres', 'cluster', 'pg_wal');
  const spare = (await readdir(log)).filter((name) => /^[0-9A-F]{24}$/.test(name) && name > current);
  await Promise.all(spare.map(async (name) => await rm(join(log, name))));
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-start-disk-'));
  disk = await SmallDisk.mount(join(base, 'disk'), 128 * MIB);
  const dais = launch('old');
  await dais.ready;
  await stopWithoutSpareSegments(dais, 'old');
});
afterAll(async () => {
  for (const dais of started) await killTree(dais);
  await disk?.unmount();
  await rm(base, { recursive: true, force: true });
});

async function startFails(data: string): Promise<string> {
  const dais = launch(data);
  const isReady = await dais.ready.then(
    () => true,
    () => false,
  );
  if (isReady) await killTree(dais);
  expect(isReady, `Dais started:\n${dais.output()}`).toBe(false);
  return dais.output();
}

test.each([
  ['a new data folder', 'new'],
  ['an existing installation', 'old'],
])('%s on a full disk: `storage_full` names the folder', async (_name, data) => {
  for (const leave of [0, 80 * 1024]) {
    await disk!.fill(leave);
    try {
      const output = await startFails(data);
      expect(output).toMatch(/^storage_full: /m);
      expect(output).toContain(disk!.path);
    } finally {
      await disk!.free();
    }
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
  const dais = launch('old');
  await dais.ready;
  dais.process.kill('SIGTERM');
  expect(await dais.ended).toBe(0);
});
