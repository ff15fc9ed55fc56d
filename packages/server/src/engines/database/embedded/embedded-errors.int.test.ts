import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, type TestContext } from 'vitest';
import { DaisError } from '@dais/api/errors';
import { processIdentity } from '#lib/system/process-identity.mjs';
import { run, start } from '#lib/process.ts';
import type { DatabaseEngine, Slice } from '../contract.ts';
import { openDatabase } from '../database.ts';
import { migrate } from '../migrate.ts';
import { embeddedEngine, type EmbeddedOptions } from './embedded-engine.ts';
import { readPostmasterFile } from './postmaster-file.ts';
import { findLiveServer } from './server-start.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** In memory where possible: these tests are about processes, and initdb syncs a thousand files. */
const POSITION = path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dais-errors-');

/** A cluster after a clean stop; most tests start with a copy. */
let image: string;
beforeAll(async () => {
  image = await mkdtemp(POSITION);
  const running = await embeddedEngine({ folder: image, cacheFolder: path.join(image, 'cache') }).start();
  await migrate(running.connection, [countSlice], '1.0.0');
  await running.stop();
});
afterAll(async () => {
  await rm(image, { recursive: true, force: true });
});

let base: string;
let data: string;
beforeEach(async () => {
  base = await mkdtemp(POSITION);
  data = path.join(base, 'data');
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

function engine(options: Partial<EmbeddedOptions> = {}): DatabaseEngine {
  return embeddedEngine({ folder: data, cacheFolder: path.join(base, 'cache'), ...options });
}

async function copyImage(): Promise<void> {
  await mkdir(path.dirname(data), { recursive: true });
  const copied = await run('/bin/cp', ['-a', image, data], { env: {} });
  expect(copied.stderr).toBe('');
}

/** Returns the messages of a start followed by a stop. */
async function outcome(own: DatabaseEngine): Promise<string> {
  try {
    await (await own.start()).stop();
    return 'started';
  } catch (error) {
    return `${(error as { code?: string }).code}: ${error instanceof Error ? error.message : ''}`;
  }
}

async function serverPid(folder = data): Promise<number> {
  return (await readPostmasterFile(path.join(folder, 'cluster')))!.pid;
}

const countSlice: Slice = {
  schema: 'tally',
  migrations: [
    {
      id: '0001-tally',
      sql: 'create table tally.mark (n int primary key); grant select, insert on tally.mark to dais_app',
    },
  ],
};
const WRITE = { mode: 'write', scope: 'all' } as const;

test('kill -9 of the server under load: no acknowledged write is lost and clients recover automatically', async () => {
  await copyImage();
  const own = engine();
  const first = await own.start();
  const database = openDatabase(first.connection);
  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const done = new AbortController();
  const writer = async (): Promise<void> => {
    while (!done.signal.aborted) {
      next += 1;
      const n = next;
      try {
        if (n % 2 === 0) await database.statement(WRITE, 'insert into tally.mark values ($1)', [n]);
        else await database.transaction(WRITE, (sql) => sql.query('insert into tally.mark values ($1)', [n], 'mark'));
        acknowledged.push(n);
      } catch (error) {
        failures.push(error);
        // A stopped server fails immediately: do not spin.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };
  const writers = Array.from({ length: 8 }, writer);
  await expect.poll(() => acknowledged.length).toBeGreaterThan(300);
  process.kill(await serverPid(), 'SIGKILL');
  expect((await first.ended).wasRequested).toBe(false);
  const before = failures.length;
  await expect.poll(() => failures.length).toBeGreaterThan(before);
  const second = await own.start();
  const atRestart = acknowledged.length;
  await expect.poll(() => acknowledged.length).toBeGreaterThan(atRestart + 300);
  done.abort();
  await Promise.all(writers);
  for (const failure of failures) {
    expect(failure).toBeInstanceOf(DaisError);
    expect(failure).toMatchObject({ code: 'database_unavailable', retryAfter: expect.any(Number) as number });
  }
  const rows = await database.statement<{ n: number }>(WRITE, 'select n from tally.mark');
  const stored = new Set(rows.map((row) => row.n));
  expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
  await database.close();
  await second.stop();
});

test('kill -9 of the supervisor leaves no server behind, and the next start works', async () => {
  await copyImage();
  const supervisor = startSupervisor();
  await supervisor.ready;
  const pid = await serverPid();
  const server = processIdentity(pid)!;
  const own = engine();
  await expect(own.start()).rejects.toMatchObject({
    code: 'data_locked',
    message: expect.stringContaining(`process ${supervisor.pid}`) as string,
  });
  await supervisor.kill('SIGKILL');
  // Immediately: the old server may still be shutting down.
  const running = await own.start();
  expect(processIdentity(pid)?.startTime).not.toBe(server.startTime);
  await running.stop();
});

test.runIf(isRoot)('runs as an unprivileged user, and root continues as the owner of the data', async (context) => {
  await skipWithoutNodeFor(NOBODY, context);
  await mkdir(data);
  await run('/bin/chown', ['-R', 'nobody:nogroup', base], { env: {} });
  const supervisor = startSupervisor(NOBODY);
  await supervisor.ready;
  const pid = await serverPid();
  expect((await stat(`/proc/${pid}`)).uid).toBe(NOBODY.uid);
  expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).toContain(path.join(data, 'cluster'));
  await supervisor.kill('SIGKILL');
  expect(await outcome(engine())).toBe('started');
  expect((await stat(path.join(data, 'cluster/base'))).uid).toBe(NOBODY.uid);
  const again = startSupervisor(NOBODY);
  await again.ready;
  await again.kill('SIGTERM');
});

test.runIf(isRoot)('gives data that root restored from an archive to the server user', async () => {
  await copyImage();
  await run('/bin/chown', ['-R', 'root:root', data], { env: {} });
  expect(await outcome(engine())).toBe('started');
});

test.runIf(isRoot)('rejects data of another user with a remedy', async (context) => {
  await skipWithoutNodeFor(NOBODY, context);
  await copyImage();
  await run('/bin/chown', ['65534:65534', base, data], { env: {} });
  await run('/bin/chown', ['-R', '1:1', path.join(data, 'cluster')], { env: {} });
  await expect(startSupervisor(NOBODY).ready).rejects.toThrow(
    /^database_setup: .* belongs to uid 1, .*sudo chown -R 65534:65534/,
  );
});

test('one of several starting processes gets the data', async () => {
  const supervisors = [startSupervisor(), startSupervisor(), startSupervisor()];
  const outcomes = await Promise.allSettled(supervisors.map((supervisor) => supervisor.ready));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  for (const reason of refused) expect(reason).toContain('data_locked');
  await Promise.all(supervisors.map((supervisor) => supervisor.kill('SIGTERM')));
});

test('adopts a server that survived its supervisor', async () => {
  await copyImage();
  const first = await engine().start();
  const command = await readFile(`/proc/${await serverPid()}/cmdline`, 'utf8');
  await first.stop();
  const [file, ...args] = command.split('\0').filter((part) => part !== '');
  await mkdir(first.connection.host, { mode: 0o700, recursive: true });
  const user = isRoot ? NOBODY : {};
  if (isRoot) await run('/bin/chown', ['nobody', first.connection.host], { env: {} });
  const left = start(file!, args, {
    ...user,
    cwd: path.join(data, 'cluster'),
    env: { LC_ALL: 'C.UTF-8' },
    stdio: 'ignore',
  });
  const own = engine();
  await expect.poll(async () => (await readPostmasterFile(path.join(data, 'cluster')))?.lines[7]).toMatch(/^ready/);
  const running = await own.start();
  expect(await serverPid()).toBe(left.pid);
  const database = openDatabase(running.connection);
  await database.ping(5_000);
  await database.close();
  const exit = once(left, 'exit');
  await running.stop();
  expect(await exit).toEqual([0, null]);
  expect(await running.ended).toMatchObject({ wasRequested: true });
});

test('starts with a pid file whose pid belongs to another program', async () => {
  await copyImage();
  const own = engine();
  const first = await own.start();
  const text = await readFile(path.join(data, 'cluster/postmaster.pid'), 'utf8');
  await first.stop();
  const user = isRoot ? NOBODY : {};
  const outsider = start('/bin/sleep', ['600'], { ...user, stdio: 'ignore' });
  await writeFile(path.join(data, 'cluster/postmaster.pid'), text.replace(/^\d+/, String(outsider.pid)));
  if (isRoot) await run('/bin/chown', ['nobody', path.join(data, 'cluster/postmaster.pid')], { env: {} });
  expect(await outcome(own)).toBe('started');
  outsider.kill('SIGKILL');
});

test('waits for backends of a killed server', async () => {
  await copyImage();
  const own = engine();
  const first = await own.start();
  const database = openDatabase(first.connection);
  // Stopped by a signal, this backend cannot notice that its server has ended.
  const rows = await database.statement<{ pid: number }>(WRITE, 'select pg_backend_pid() as pid');
  const { pid } = rows[0]!;
  process.kill(pid, 'SIGSTOP');
  process.kill(await serverPid(), 'SIGKILL');
  await first.ended;
  const starting = own.start();
  await expect
    .poll(async () => readFile(path.join(data, 'postgres.log'), 'utf8'))
    .toContain('pre-existing shared memory');
  process.kill(pid, 'SIGCONT');
  const second = await starting;
  await database.ping(5_000);
  await database.close();
  await second.stop();
});

test.runIf(isRoot)('supports data below a folder that only root can enter', async () => {
  await rm(base, { recursive: true });
  base = await mkdtemp('/root/dais-errors-');
  data = path.join(base, 'data');
  expect(await outcome(engine())).toBe('started');
  expect(await outcome(engine())).toBe('started');
});

test('supports a data path that is longer than a socket name', async () => {
  data = path.join(base, 'd'.repeat(120), 'ü and spaces '.repeat(10), 'data');
  await copyImage();
  const running = await engine().start();
  expect(Buffer.byteLength(`${running.connection.host}/.s.PGSQL.5432`)).toBeLessThan(104);
  const database = openDatabase(running.connection);
  await database.ping(5_000);
  await database.close();
  await running.stop();
  // Only the data remains.
  expect((await readdir(data)).sort()).toEqual(['cluster', 'postgres.log']);
});

test('restarts an interrupted creation of the cluster', async () => {
  await mkdir(path.join(data, 'cluster.tmp', 'base'), { recursive: true });
  await writeFile(path.join(data, 'cluster.tmp', 'PG_VERSION'), '17\n');
  expect(await outcome(engine())).toBe('started');
});

test('rejects data of another major version with a remedy', async () => {
  await copyImage();
  const own = engine();
  await writeFile(path.join(data, 'cluster/PG_VERSION'), '16\n');
  expect(await outcome(own)).toMatch(/^data_version: PostgreSQL 16 wrote .* PostgreSQL 17\.\d+.*dais admin export/);
  await writeFile(path.join(data, 'cluster/PG_VERSION'), '17\n');
  expect(await outcome(own)).toBe('started');
});

test('reports settings that PostgreSQL rejects with its message', async () => {
  await copyImage();
  const own = engine();
  const local = path.join(data, 'cluster/postgresql.local.conf');
  await writeFile(local, "shared_buffers = 'much'\n", { mode: 0o644 });
  expect(await outcome(own)).toMatch(/^database_unavailable: .*invalid value for parameter "shared_buffers"/s);
  await rm(local);
  expect(await outcome(own)).toBe('started');
});

test.runIf(isRoot)('reports a full disk at the first start and later', async (context) => {
  await mkdir(data);
  const mounted = await run('/bin/mount', ['-t', 'tmpfs', '-o', 'size=20m', 'dais-test', data], { env: {} });
  if (mounted.code !== 0) {
    context.skip(`needs the right to mount a small disk: ${mounted.stderr.trim()}`);
    return;
  }
  try {
    expect(await outcome(engine())).toMatch(/^storage_full: /);
    expect((await run('/bin/mount', ['-o', 'remount,size=100m', data], { env: {} })).stderr).toBe('');
    expect(await outcome(engine())).toBe('started');
    const running = await engine().start();
    await migrate(running.connection, [countSlice], '1.0.0');
    const database = openDatabase(running.connection);
    const fill = database.statement(WRITE, 'insert into tally.mark select generate_series(1, 10000000)');
    await expect(fill).rejects.toMatchObject({
      code: expect.stringMatching(/storage_full|database_unavailable/) as string,
    });
    await database.close();
    // Without space for its last checkpoint, the server would not end on its own.
    await run('/bin/mount', ['-o', 'remount,size=200m', data], { env: {} });
    // It recovers from a crash; a stop signal of the kernel, as after the death of its supervisor, may make it hang.
    // It has already ended if the full disk interrupted its own recovery.
    const left = await readPostmasterFile(path.join(data, 'cluster'));
    if (left !== undefined) process.kill(left.pid, 'SIGINT');
    expect(await findLiveServer(path.join(data, 'cluster'), () => {}, 500)).toBeUndefined();
    await running.stop();
    expect(await outcome(engine())).toBe('started');
  } finally {
    await run('/bin/umount', ['-l', data], { env: {} });
  }
});

/** Node and this checkout may be accessible to root only. */
async function skipWithoutNodeFor(user: { uid: number; gid: number }, context: TestContext): Promise<void> {
  const args = ['--eval', `require('node:fs').readFileSync(${JSON.stringify(import.meta.filename)})`];
  const { code, stderr } = await run(process.execPath, args, { ...user, env: {} });
  if (code !== 0) context.skip(`needs a Node and a checkout that every user can read: ${stderr}`);
}

interface Supervisor {
  readonly pid: number;
  /** Rejects with its output when it cannot start. */
  readonly ready: Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A separate process that runs the engine, like `dais up`. */
function startSupervisor(user: { uid?: number; gid?: number } = {}): Supervisor {
  const program = `
    import { embeddedEngine } from ${JSON.stringify(path.join(import.meta.dirname, 'embedded-engine.ts'))};
    const [folder, cacheFolder] = process.argv.slice(1);
    try {
      const running = await embeddedEngine({ folder, cacheFolder }).start();
      process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
      setInterval(() => {}, 60_000);
      process.stdout.write('ready');
    } catch (error) {
      process.stdout.write(error.code + ': ' + error.message);
    }`;
  const args = [
    '--conditions=dais-source',
    '--import=tsx',
    '--input-type=module',
    '--eval',
    program,
    data,
    path.join(base, 'cache'),
  ];
  const child = start(process.execPath, args, {
    ...user,
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exit = once(child, 'exit');
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.startsWith('ready')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(output)));
  });
  return {
    pid: child.pid!,
    ready,
    kill: async (signal) => {
      child.kill(signal);
      await exit;
    },
  };
}
