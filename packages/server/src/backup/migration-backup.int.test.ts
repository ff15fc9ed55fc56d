import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { importDatabase } from '#compose/database.ts';
import { backupBeforeMigration } from './migration-backup.ts';

const slices = [
  {
    schema: 'shelf',
    migrations: [
      { id: '0001-shelf', sql: 'create table shelf.book (id int primary key); insert into shelf.book values (1), (2)' },
    ],
  },
];

let server: TestDatabase;
let folder: string;
beforeAll(async () => {
  [server, folder] = await Promise.all([startTestDatabase(slices), mkdtemp(join(tmpdir(), 'dais-copies-'))]);
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test('copies are complete, private and few', async () => {
  const clock = new ManualClock();
  const backupOptions = { connection: server.connection, slices, data: folder, keep: 2, version: '1.0.0', clock };
  const made: (string | undefined)[] = [];
  for (let n = 0; n < 3; n++) {
    made.push(await backupBeforeMigration(backupOptions));
    clock.advance(1000);
  }
  expect(await readdir(join(folder, 'backups'))).toEqual([
    'before-1.0.0-19700101T000001Z.dais',
    'before-1.0.0-19700101T000002Z.dais',
  ]);
  expect((await stat(made[2] ?? '')).mode & 0o777).toBe(0o600);
  const target = await server.emptyDatabase();
  const options = { programVersion: '1.0.0' };
  const { rows } = await importDatabase(target, slices, createReadStream(made[2] ?? ''), options);
  expect(rows).toBeGreaterThanOrEqual(2);
});

test('no backup is made when none is to be kept', async () => {
  const backupOptions = { connection: server.connection, slices, data: join(folder, 'none'), version: '1.0.0' };
  expect(await backupBeforeMigration({ ...backupOptions, keep: 0, clock: new ManualClock() })).toBeUndefined();
});

test('a copy that fails leaves nothing behind', async () => {
  const connection = { ...server.connection, database: 'nowhere' };
  const backupOptions = {
    connection,
    slices,
    data: join(folder, 'failed'),
    keep: 2,
    version: '1.0.0',
    clock: new ManualClock(),
  };
  await expect(backupBeforeMigration(backupOptions)).rejects.toThrow('nowhere');
  expect(await readdir(join(folder, 'failed', 'backups'))).toEqual([]);
});
