/** Test fixture: starts a separate, migrated PostgreSQL in a fraction of a second. */
import { createHash, randomUUID } from 'node:crypto';
import { access, chmod, chown, constants, lstat, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { run, start } from '#lib/process.ts';
import { baseSlice } from './base-slice.ts';
import { clientConfig } from './client-config.ts';
import type { ConnectionOptions, Database, Slice } from './contract.ts';
import { openDatabase, type DatabaseOptions } from './database.ts';
import { findBinaries, type Binaries } from './embedded/binaries.ts';
import { clusterArgument, createCluster, SERVER_ENVIRONMENT, SUPERUSER, writeClusterFile } from './embedded/cluster.ts';
import { setUpDatabase } from './embedded/database-setup.ts';
import { serverState } from './embedded/readiness.ts';
import { findSetpriv, userArguments } from './embedded/server-process.ts';
import { chooseServerUser, type ServerUser } from './embedded/server-user.ts';
import { accessText, configurationText, EMBEDDED_SETTINGS, type Settings } from './embedded/settings.ts';
import { migrate } from './migrate.ts';

export interface TestDatabase {
  /** The connection of Dais. */
  readonly connection: ConnectionOptions;
  /** The connection of the superuser, for checks that bypass Dais. */
  readonly admin: ConnectionOptions;
  readonly database: Database;
  /** Opens another pool; `stop` closes it. */
  open(options?: DatabaseOptions): Database;
  /** Creates a database without a schema on the same server; for tests of migrations and imports. */
  emptyDatabase(): Promise<ConnectionOptions>;
  /** Runs statements as the superuser. */
  asAdmin(sql: string): Promise<Record<string, unknown>[]>;
  /** Runs statements as the superuser in another database of the server. */
  asAdminIn(database: string, sql: string): Promise<Record<string, unknown>[]>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

export interface TestServerOptions {
  /**
   * Also accepts TCP clients, with a password; the port is that of `connection`. `true`: at 127.0.0.1. Otherwise at this
   * address, from these networks.
   */
  readonly tcp?: boolean | { readonly address: string; readonly clients: string };
  readonly postgresBin?: string;
  readonly settings?: Settings;
}

/** The program version of test databases; the `minimumVersion` of a slice must not exceed it. */
const TEST_PROGRAM_VERSION = '1.0.0';

/** Fast settings without durability: the data is in memory for one test file. */
const TEST_SETTINGS: Settings = {
  fsync: false,
  full_page_writes: false,
  shared_buffers: '32MB',
  max_connections: 100,
  checkpoint_timeout: '1h',
  log_min_duration_statement: -1,
};

/** Number of cached migrated clusters: one for each of the about twenty sets of slices in tests. */
const CACHED_CLUSTERS = 32;
/** Longer than a copy takes on any machine: another test file may still be copying a recently used cluster. */
const IN_USE_MS = 10 * 60_000;
const PORT = 5432;
/** A limit against hanging: on a busy machine, 60 writes at the same time have waited longer for a connection than Dais waits (5 s). */
const ACQUIRE_TIMEOUT_MS = 60_000;

/**
 * Starts a separate server with the schemas of `slices`. A migrated cluster is cached below node_modules/.cache under a digest
 * of its inputs; a start copies it (25 MB) into memory and starts PostgreSQL on the copy: about 0.1 s, the first time 1 s. When
 * the test process dies, even by kill -9, the server ends and its folder is removed.
 */
export async function startTestDatabase(
  slices: readonly Slice[],
  options: TestServerOptions = {},
): Promise<TestDatabase> {
  const self: ServerUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const user = await chooseServerUser('/nonexistent', self);
  const cacheFolder = path.join(findNodeModules(), '.cache', 'dais-test-postgres');
  const binaries = await findBinaries({ postgresBin: options.postgresBin, cacheFolder, user });
  const setpriv = await findSetpriv();
  const machine: Machine = { binaries, user, setpriv };
  const image = await findImage(machine, cacheFolder, slices);
  const folder = await makeFolder(user);
  await copyCluster(image, path.join(folder, 'cluster'));
  const server = await startServer(machine, folder, options);
  return new RunningTestDatabase(server);
}

interface Machine {
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
  readonly setpriv: string | undefined;
}

interface TestServer {
  readonly connection: ConnectionOptions;
  stop(): Promise<void>;
}

async function findImage(machine: Machine, cacheFolder: string, slices: readonly Slice[]): Promise<string> {
  const shape = [
    machine.binaries.folder,
    machine.binaries.version,
    machine.user?.uid ?? 'self',
    EMBEDDED_SETTINGS,
    ...[baseSlice, ...slices].flatMap(({ schema, migrations }) => migrations.map(({ id, sql }) => [schema, id, sql])),
  ];
  const key = createHash('sha256').update(JSON.stringify(shape)).digest('hex').slice(0, 24);
  const image = path.join(cacheFolder, key);
  if ((await lstat(image).catch(() => undefined)) !== undefined) {
    const now = new Date();
    await utimes(image, now, now).catch(() => {});
    return image;
  }
  const folder = await makeFolder(machine.user);
  const cluster = path.join(folder, 'cluster');
  // Creating a cluster takes most of the time and is the same for all.
  if (slices.length > 0) await copyCluster(await findImage(machine, cacheFolder, []), cluster);
  else await createCluster(machine.binaries, cluster, machine.user, ['--wal-segsize=1', '--no-sync']);
  const server = await startServer(machine, folder, { keep: true });
  try {
    if (slices.length === 0) await setUpDatabase(server.connection);
    await migrate(server.connection, slices, TEST_PROGRAM_VERSION);
    await server.stop();
    const partial = `${image}.${randomUUID()}`;
    await mkdir(cacheFolder, { recursive: true });
    await copyCluster(cluster, partial);
    // Another test file may have created the same one.
    await rename(partial, image).catch(() => rm(partial, { recursive: true, force: true }));
    await prune(cacheFolder);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return image;
}

async function copyCluster(from: string, to: string): Promise<void> {
  // 1,000 files: `cp` takes 20 ms, fs.cp takes 200 ms.
  const result = await run('/bin/cp', ['-a', from, to], { env: {} });
  if (result.code !== 0) throw new Error(`cp: ${result.stderr}`);
}

async function prune(cacheFolder: string): Promise<void> {
  const images = await Promise.all(
    (await readdir(cacheFolder))
      .filter((name) => /^[0-9a-f]{24}$/.test(name))
      .map(async (name) => ({
        file: path.join(cacheFolder, name),
        at: (await lstat(path.join(cacheFolder, name)).catch(() => undefined))?.mtimeMs ?? 0,
      })),
  );
  images.sort((a, b) => b.at - a.at);
  const unused = images.slice(CACHED_CLUSTERS).filter(({ at }) => at < Date.now() - IN_USE_MS);
  for (const { file } of unused) await rm(file, { recursive: true, force: true });
}

/** In memory where possible, and inaccessible to others: the server trusts every client of its socket. */
async function makeFolder(user: ServerUser | undefined): Promise<string> {
  const inMemory = await access('/dev/shm', constants.W_OK).then(
    () => true,
    () => false,
  );
  const location = inMemory ? '/dev/shm' : tmpdir();
  await sweep(location);
  const folder = path.join(location, `dais-test-${process.pid}-${randomUUID().slice(0, 8)}`);
  await mkdir(folder, { mode: 0o700 });
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  await chmod(folder, 0o700);
  return folder;
}

/** Removes leftovers of test processes that were killed before their server had a guardian. */
async function sweep(location: string): Promise<void> {
  for (const name of await readdir(location)) {
    const pid = /^dais-test-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(path.join(location, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * The shell is the server's guardian: the kernel signals it when the test process dies (--pdeathsig), and it ends the server,
 * waits for it and removes the folder. SIGQUIT ends PostgreSQL without a checkpoint.
 */
const GUARDIAN = `
folder=$1 signal=$2; shift 2
"$@" &
child=$!
trap 'kill -$signal $child 2>/dev/null' TERM INT
while kill -0 $child 2>/dev/null; do wait $child; done
[ $signal = QUIT ] && rm -rf "$folder"
exit 0
`;

async function startServer(
  machine: Machine,
  folder: string,
  options: TestServerOptions & { readonly keep?: boolean },
): Promise<TestServer> {
  const { binaries, user, setpriv } = machine;
  const cluster = path.join(folder, 'cluster');
  const tcp = options.tcp === true ? { address: '127.0.0.1', clients: '127.0.0.1/32' } : options.tcp || undefined;
  const port = tcp === undefined ? PORT : await freePort();
  const settings: Settings = {
    ...EMBEDDED_SETTINGS,
    ...TEST_SETTINGS,
    unix_socket_directories: folder,
    ...(tcp !== undefined && { listen_addresses: tcp.address, port }),
    ...options.settings,
  };
  const access = tcp === undefined ? [] : [`host all all ${tcp.clients} scram-sha-256`];
  await writeClusterFile(cluster, 'postgresql.conf', configurationText(settings), user);
  await writeClusterFile(cluster, 'pg_hba.conf', accessText(access), user);
  const server = [path.join(binaries.folder, 'postgres'), '-D', clusterArgument(cluster, user)];
  const switched = setpriv === undefined ? server : [setpriv, ...userArguments(user), '--pdeathsig', 'QUIT', ...server];
  const guarded = ['/bin/sh', '-c', GUARDIAN, 'sh', folder, options.keep === true ? 'INT' : 'QUIT', ...switched];
  const [file, ...args] = setpriv === undefined ? guarded : [setpriv, '--pdeathsig', 'TERM', ...guarded];
  const guardian = start(file!, args, { cwd: cluster, env: SERVER_ENVIRONMENT, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  guardian.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-8_192);
  });
  let running = true;
  const ended = new Promise<void>((resolve) => {
    guardian.once('exit', () => {
      running = false;
      resolve();
    });
  });
  while ((await serverState({ host: folder, port })) !== 'ready') {
    if (!running) throw new Error(`the test server did not start: ${log}`);
    await delay(5);
  }
  return {
    connection: { host: folder, port, user: 'dais', database: 'dais' },
    stop: async () => {
      guardian.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

class RunningTestDatabase implements TestDatabase {
  readonly connection: ConnectionOptions;
  readonly admin: ConnectionOptions;
  readonly database: Database;
  readonly #server: TestServer;
  readonly #opened: Database[] = [];
  #databases = 0;

  constructor(server: TestServer) {
    this.#server = server;
    this.connection = server.connection;
    this.admin = { ...server.connection, user: SUPERUSER };
    this.database = this.open();
  }

  open(options: DatabaseOptions = {}): Database {
    const database = openDatabase(this.connection, { acquireTimeoutMs: ACQUIRE_TIMEOUT_MS, ...options });
    this.#opened.push(database);
    return database;
  }

  async emptyDatabase(): Promise<ConnectionOptions> {
    this.#databases += 1;
    const connection = { ...this.connection, database: `empty_${this.#databases}` };
    await setUpDatabase(connection);
    return connection;
  }

  async asAdmin(sql: string): Promise<Record<string, unknown>[]> {
    return await this.asAdminIn(this.admin.database, sql);
  }

  async asAdminIn(database: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new Client(clientConfig({ ...this.admin, database }, 'test'));
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#opened.map((database) => database.close()));
    await this.#server.stop();
  }
}

/** The node_modules folder of this checkout. */
function findNodeModules(): string {
  const driver = createRequire(import.meta.url).resolve('pg');
  return driver.slice(0, driver.lastIndexOf(`${path.sep}node_modules${path.sep}`) + `${path.sep}node_modules`.length);
}
