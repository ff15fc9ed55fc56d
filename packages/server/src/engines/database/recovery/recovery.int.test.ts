import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { RunningDatabase } from '../contract.ts';
import { SUPERUSER } from '../embedded/cluster.ts';
import { embeddedEngine } from '../embedded/embedded-engine.ts';
import { readArchive } from './archive-contents.ts';
import { DatabaseArchiver, endArchive, type ArchiverOptions } from './database-archiver.ts';
import { recoverDatabase, type RecoverOptions } from './recover-database.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const FAST = { fsync: false, full_page_writes: true, shared_buffers: '32MB' };
const PENDING_MB = 64;
const MIB = 2 ** 20;

let base: string;
let store: NamedObjects;
let running: RunningDatabase;
const cacheFolder = () => path.join(base, 'cache');
const archivers: DatabaseArchiver[] = [];
const engines: RunningDatabase[] = [];

async function startServer(name: string, pendingMb: number | undefined = PENDING_MB): Promise<RunningDatabase> {
  const server = await embeddedEngine({
    folder: path.join(base, name),
    cacheFolder: cacheFolder(),
    settings: FAST,
    ...(pendingMb > 0 && { archive: { pendingMb } }),
  }).start();
  engines.push(server);
  return server;
}

async function query(server: RunningDatabase, text: string, values: readonly unknown[] = []) {
  const { host, port } = server.connection;
  const client = new Client({ host, port, user: SUPERUSER, database: 'dais' });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

function open(more: Partial<ArchiverOptions> = {}): DatabaseArchiver {
  const archiver = new DatabaseArchiver({
    connection: running.connection,
    cluster: path.join(base, 'original', 'cluster'),
    store,
    id: 'one',
    everyMs: 200,
    windowMs: 86_400_000,
    baseMs: 86_400_000,
    programVersion: '0.1.0',
    keys: async () => await Promise.resolve([{ keyId: 'k', fingerprint: '0123456789abcdef' }]),
    clock: systemClock,
    log: silentLog,
    ...more,
  });
  archivers.push(archiver);
  return archiver;
}

const insert = async (name: string) => {
  await query(running, 'insert into note (name) values ($1)', [name]);
};
const contents = async () => (await readArchive(store)).get('one')!;
const hasBase = async (archiver: DatabaseArchiver) => {
  await expect.poll(() => archiver.state().lastBaseAt, PATIENCE).toBeDefined();
};

async function recover(name: string, more: Partial<RecoverOptions> = {}) {
  return await recoverDatabase({
    store,
    archive: await contents(),
    until: undefined,
    folder: path.join(base, name),
    cacheFolder: cacheFolder(),
    check: async () => {},
    finish: async () => {},
    progress: () => {},
    ...more,
  });
}

/** The names in a recovered database, by a server that runs for this alone. */
async function notes(name: string): Promise<unknown[]> {
  const server = await startServer(name, 0);
  const rows = await query(server, 'select name from note order by id');
  await server.stop();
  return rows.map((row) => row['name']);
}

beforeAll(async () => {
  base = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dais-recovery-'));
  store = openFsNamedObjects(path.join(base, 'archive'));
  running = await startServer('original');
  await query(running, 'create table note (id int generated always as identity, name text)');
});

afterEach(async () => {
  for (const archiver of archivers.splice(0)) await archiver.stop();
});

afterAll(async () => {
  for (const server of engines) await server.stop();
  await rm(base, { recursive: true, force: true });
});

test('recovers to a moment between two transactions, and everything that is archived', async () => {
  const archiver = open();
  archiver.start();
  await insert('before the base backup');
  await hasBase(archiver);
  await insert('before the moment');
  const [row] = await query(running, 'select clock_timestamp() as now');
  const until = (row!['now'] as Date).getTime() + 1;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await insert('after the moment');
  await query(running, 'create table made_later ()');
  await archiver.archiveNow();
  await archiver.stop();
  await insert('never archived');

  const phases = new Set<string>();
  const finished: string[] = [];
  const moment = await recover('moment', {
    until,
    progress: (phase) => phases.add(phase),
    check: async ({ keys }) => {
      expect(keys).toEqual([{ keyId: 'k', fingerprint: '0123456789abcdef' }]);
      await Promise.resolve();
    },
    finish: async (connection) => {
      finished.push(connection.user);
      await Promise.resolve();
    },
  });
  expect(moment.segments).toBeGreaterThan(0);
  expect(Date.parse(moment.lastTransaction ?? '')).toBeLessThanOrEqual(until);
  expect([...phases]).toEqual(['base backup', 'write-ahead log']);
  expect(finished).toEqual(['dais']);
  expect(await notes('moment')).toEqual(['before the base backup', 'before the moment']);
  expect((await readdir(path.join(base, 'moment', 'cluster'))).filter((name) => name.startsWith('dais'))).toEqual([]);

  await recover('latest');
  expect(await notes('latest')).toEqual(['before the base backup', 'before the moment', 'after the moment']);
  // Nothing is overwritten.
  await expect(recover('latest')).rejects.toMatchObject({ code: 'invalid_state' });
  // A recovered database continues, and archives as an installation of its own.
  const server = await startServer('latest');
  const own = open({ connection: server.connection, cluster: path.join(base, 'latest', 'cluster'), id: 'two' });
  await query(server, `insert into note (name) values ('after the recovery')`);
  own.start();
  await hasBase(own);
  await own.stop();
  await server.stop();
  await recover('second', { archive: (await readArchive(store)).get('two')! });
  expect(await notes('second')).toContain('after the recovery');
});

test('a process that is killed after an upload repeats it under the same name', async () => {
  const before = new Set((await contents()).wal.keys());
  let puts = 0;
  const dying: NamedObjects = {
    ...delegate(),
    put: async (name, bytes) => {
      await store.put(name, bytes);
      puts += 1;
      throw new Error('killed');
    },
  };
  await insert('archived twice');
  const killed = open({ store: dying });
  await expect(killed.archiveNow()).rejects.toThrow('killed');
  expect(puts).toBe(1);
  await open().archiveNow();
  const { wal } = await contents();
  const added = [...wal].filter(([file]) => !before.has(file));
  expect(added.length).toBeGreaterThan(0);
  expect([...wal].filter(([, objects]) => objects.length > 1)).toEqual([]);
});

test('an archive that fails stops no write, and is reported', async () => {
  const failing: NamedObjects = {
    ...delegate(),
    put: async () => await Promise.reject(new Error('the bucket is gone')),
  };
  const archiver = open({ store: failing });
  archiver.start();
  await insert('while the archive is away');
  await expect.poll(() => archiver.state().error, PATIENCE).toContain('the bucket is gone');
  expect(archiver.state().coveredUntil).toBeUndefined();
  await insert('still writing');
  await expect.poll(() => archiver.state().pendingBytes, PATIENCE).toBeGreaterThan(0);
  await archiver.stop();
  const resumed = open();
  resumed.start();
  await expect.poll(() => resumed.state().coveredUntil, PATIENCE).toBeDefined();
  expect(resumed.state()).toMatchObject({ error: undefined, pendingBytes: 0 });
  await resumed.stop();
  await recover('resumed');
  expect((await notes('resumed')).slice(-2)).toEqual(['while the archive is away', 'still writing']);
});

test('changes beyond the disk limit are discarded, and a new base backup follows', async () => {
  const bases = (await contents()).bases.length;
  const last = Math.max(...(await contents()).bases.map(({ stoppedAt }) => Date.parse(stoppedAt)));
  for (let written = 0; written < 2 * PENDING_MB; written += 8) {
    await query(running, `select pg_logical_emit_message(false, 'test', repeat('x', ${8 * MIB}))`);
  }
  await query(running, 'checkpoint');
  const [slot] = await query(running, 'select wal_status as status from pg_replication_slots');
  expect(slot).toEqual({ status: 'lost' });
  await insert('after the gap');
  const archiver = open();
  archiver.start();
  await expect.poll(async () => (await contents()).bases.length, PATIENCE).toBe(bases + 1);
  await archiver.stop();
  await recover('gap');
  expect((await notes('gap')).at(-1)).toBe('after the gap');
  // Within the gap nothing can be recovered; the error gives the last moment.
  const inside = new Date((await contents()).bases.at(-1)!.stoppedAt).getTime() - 1;
  expect(inside).toBeGreaterThan(last);
  await expect(recover('inside', { until: inside })).rejects.toMatchObject({
    code: 'backup_invalid',
    message: expect.stringMatching(/has a gap before .*committed at \d{4}-/) as unknown,
  });
  await expect(recover('early', { until: 0 })).rejects.toMatchObject({ code: 'backup_invalid' });
  expect(existsSync(path.join(base, 'early'))).toBe(false);
  const late = { until: Date.now() + 3_600_000 };
  await expect(recover('late', late)).rejects.toThrow(/ends before .*omit the time/);
  expect(await readdir(path.join(base, 'late'))).toEqual(['postgres.log']);
});

test('a changed object is found before a database exists', async () => {
  const { bases } = await contents();
  const part = path.join(base, 'archive', 'one', 'base', bases.at(-1)!.name, 'part-00001');
  const bytes = await readFile(part);
  const flipped = Buffer.from(bytes);
  flipped[1000]! ^= 1;
  await writeFile(part, flipped);
  await expect(recover('changed')).rejects.toMatchObject({
    code: 'backup_invalid',
    message: expect.stringContaining('part-00001') as unknown,
  });
  await writeFile(part, bytes);
  const first = bases.at(-1)!.firstSegment;
  const [object] = (await contents()).wal.get(first)!;
  const file = path.join(base, 'archive', object!.object);
  const segment = await readFile(file);
  await writeFile(file, segment.subarray(0, segment.length / 2));
  await expect(recover('changed')).rejects.toMatchObject({
    code: 'backup_invalid',
    message: expect.stringContaining(first) as unknown,
  });
  await writeFile(file, segment);
  expect(existsSync(path.join(base, 'changed', 'cluster'))).toBe(false);
  await recover('changed');
  expect((await notes('changed')).at(-1)).toBe('after the gap');
});

test('base backups outside of the recovery window are removed with their log', async () => {
  const before = (await contents()).bases.map(({ name }) => name);
  const archiver = open({ windowMs: 0, baseMs: 0 });
  await mkdir(path.join(base, 'archive', 'one', 'base', '20200101T000000Z'), { recursive: true });
  await writeFile(path.join(base, 'archive', 'one', 'base', '20200101T000000Z', 'part-00001'), 'of a killed process');
  archiver.start();
  const isReduced = async () => {
    const { bases, incomplete, wal } = await contents();
    const oldest = [...wal.keys()].toSorted()[0];
    return (
      bases.length > 0 &&
      !bases.some(({ name }) => before.includes(name)) &&
      !incomplete.some((object) => object.includes('20200101T000000Z')) &&
      oldest === bases[0]!.firstSegment
    );
  };
  await expect.poll(isReduced, PATIENCE).toBe(true);
  await archiver.stop();
  await recover('expired');
  expect((await notes('expired')).at(-1)).toBe('after the gap');
});

test('without an archive in the configuration, the server starts and the slot is removed', async () => {
  await running.stop();
  running = await startServer('original', 0);
  expect(await query(running, 'select slot_name from pg_replication_slots')).toHaveLength(1);
  expect(await endArchive(running.connection)).toBe(true);
  expect(await endArchive(running.connection)).toBe(false);
  await running.stop();
  running = await startServer('original', 0);
  expect(await query(running, `select current_setting('wal_level') as level`)).toEqual([{ level: 'minimal' }]);
  await expect(open().archiveNow()).rejects.toThrow('Restart Dais');
});

function delegate(): NamedObjects {
  return {
    put: async (name, bytes) => await store.put(name, bytes),
    get: async (name) => await store.get(name),
    list: (prefix) => store.list(prefix),
    delete: async (name) => await store.delete(name),
    close: async () => {},
  };
}
