/**
 * A standby with synchronous replication is promoted while clients write: no acknowledged write is lost. Prints how long writes
 * were refused, and when background work continued.
 */
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '#engines/database/embedded/binaries.ts';
import { createCluster, SUPERUSER } from '#engines/database/embedded/cluster.ts';
import { setUpDatabase } from '#engines/database/embedded/database-setup.ts';
import { startServer, stopServer, type StartedServer } from '#engines/database/embedded/server-start.ts';
import { changeOwner, chooseServerUser, type ServerUser } from '#engines/database/embedded/server-user.ts';
import { EMBEDDED_SETTINGS, type Settings } from '#engines/database/embedded/settings.ts';
import { killProcess, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';

const WRITERS = 4;
const PATIENCE = { timeout: 120_000, interval: 50 };
const SOCKET = '.s.PGSQL.5432';

let base: string;
let user: ServerUser | undefined;
let primary: StartedServer;
let standby: StartedServer;
let dais: DaisProcess | undefined;
let url: string;

/** What a virtual address, a DNS name or a proxy does: it leads to the server that accepts writes. */
class Address {
  readonly folder: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #target: string | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.#server = createServer((client) => {
      const target = this.#target;
      if (target === undefined) {
        client.destroy();
        return;
      }
      const upstream = connect(path.join(target, SOCKET));
      for (const socket of [client, upstream]) {
        this.#open.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#open.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream);
      upstream.pipe(client);
    });
  }

  async listen(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await new Promise<void>((resolve) => this.#server.listen(path.join(this.folder, SOCKET), resolve));
  }

  /** Ends the connections to the previous server, as a failure of its machine does. */
  leadTo(target: string | undefined): void {
    this.#target = target;
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.leadTo(undefined);
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let address: Address;

async function admin(server: StartedServer, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ host: server.host, port: server.port, user: SUPERUSER, database: 'postgres' });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  base = await mkdtemp(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'dais-standby-'));
  // The servers run as another user when this is root.
  await chmod(base, 0o711);
  const self: ServerUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  user = await chooseServerUser(path.join(base, 'none'), self);
  const binaries = await findBinaries({ cacheFolder: path.join(base, 'cache'), user });
  const socketFolder = async (name: string) => {
    const folder = path.join(base, name);
    await mkdir(folder, { mode: 0o700 });
    if (user !== undefined) await chown(folder, user.uid, user.gid);
    return folder;
  };
  const [left, right] = [await socketFolder('l'), await socketFolder('r')];
  const run = async (name: string, socket: string, settings: Settings) =>
    await startServer({
      binaries,
      cluster: path.join(base, name),
      user,
      socketFolder: socket,
      settings: {
        ...EMBEDDED_SETTINGS,
        wal_level: 'replica',
        max_wal_senders: 10,
        // Of the primary when its data was created: a standby must not have less.
        max_connections: 100,
        hot_standby: true,
        hba_file: 'pg_hba.test.conf',
        ...settings,
      },
      logFile: path.join(base, `${name}.log`),
      timeoutMs: 60_000,
      report: () => {},
    });
  const cluster = path.join(base, 'left');
  await createCluster(binaries, cluster, user);
  await writeFile(path.join(cluster, 'pg_hba.test.conf'), 'local all all trust\nlocal replication all trust\n');
  await cp(cluster, path.join(base, 'right'), { recursive: true });
  await writeFile(path.join(base, 'right', 'standby.signal'), '');
  for (const name of ['left', 'right']) if (user !== undefined) await changeOwner(path.join(base, name), user);
  primary = await run('left', left, { synchronous_standby_names: 'right' });
  standby = await run('right', right, {
    primary_conninfo: `host=${left} port=5432 user=${SUPERUSER} application_name=right`,
  });
  const isSynchronous = async () => {
    const [replica] = await admin(primary, 'select sync_state from pg_stat_replication');
    return replica?.['sync_state'] === 'sync';
  };
  while (!(await isSynchronous())) await delay(50);
  await setUpDatabase({ host: primary.host, port: primary.port, user: 'dais', database: 'dais' });
  address = new Address(path.join(base, 'a'));
  await address.listen();
  address.leadTo(left);
  const host = encodeURIComponent(address.folder);
  dais = startDaisProcess({
    data: path.join(base, 'data'),
    'keys.folder': path.join(base, 'keys'),
    'database.url': `postgres://dais@localhost/dais?host=${host}`,
  });
  url = await dais.ready;
}, 300_000);

afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await address?.close();
  for (const server of [standby, primary]) if (server !== undefined) await stopServer(server);
  await rm(base, { recursive: true, force: true });
});

interface Write {
  readonly name: string;
  readonly at: number;
  readonly acknowledged: boolean;
}

/** Writes new resources, one after the other, until the signal; records which were acknowledged. */
async function write(writer: number, writes: Write[], signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const name = `w${writer}-${n}`;
    const body = JSON.stringify({
      apiVersion: 'dais.dev/v1',
      kind: 'AlertChannel',
      metadata: { name },
      spec: { send: { type: 'webhook', url: 'https://alerts.example.com/' } },
    });
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1/alertchannels`, { method: 'POST', headers, body }).catch(
      () => undefined,
    );
    await response?.arrayBuffer().catch(() => undefined);
    const acknowledged = response?.status === 201;
    writes.push({ name, at: performance.now(), acknowledged });
    if (!acknowledged) await delay(20);
  }
}

async function storedNames(): Promise<Set<string>> {
  const names = new Set<string>();
  for (let cursor = ''; ;) {
    const response = await fetch(`${url}/api/v1/alertchannels?limit=1000${cursor}`);
    const page = (await response.json()) as {
      items: { metadata: { name: string } }[];
      nextCursor?: string;
    };
    for (const { metadata } of page.items) names.add(metadata.name);
    if (page.nextCursor === undefined) return names;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

const sequenced = async () => {
  const text = await (await fetch(`${url}/metrics`)).text();
  const number = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return number('dais_sequencer_leader') === 1 && number('dais_events_unsequenced') < 10;
};

test('kill -9 of the primary under load, and promotion of the standby: no acknowledged write is lost', async () => {
  const writes: Write[] = [];
  const abort = new AbortController();
  const writers = Array.from({ length: WRITERS }, async (_, n) => await write(n, writes, abort.signal));
  const acknowledged = () => writes.filter((one) => one.acknowledged);
  await expect.poll(() => acknowledged().length, PATIENCE).toBeGreaterThan(100);

  const killedAt = performance.now();
  killProcess(primary.process.pid);
  await primary.process.ended;
  address.leadTo(undefined);
  await admin(standby, 'select pg_promote(true)');
  address.leadTo(standby.host);
  const promotedAt = performance.now();

  const after = () => acknowledged().filter(({ at }) => at > promotedAt);
  await expect.poll(() => after().length, PATIENCE).toBeGreaterThan(100);
  await expect.poll(sequenced, PATIENCE).toBe(true);
  const resumedAt = performance.now();
  abort.abort();
  await Promise.all(writers);

  const stored = await storedNames();
  const lost = acknowledged().filter(({ name }) => !stored.has(name));
  const first = after()[0]!.at;
  process.stdout.write(
    `standby promotion: ${acknowledged().length} acknowledged writes, ${lost.length} lost; promotion ` +
      `${((promotedAt - killedAt) / 1000).toFixed(1)} s; writes refused for ${((first - killedAt) / 1000).toFixed(1)} s; ` +
      `background work continued after ${((resumedAt - killedAt) / 1000).toFixed(1)} s\n`,
  );
  expect(lost).toEqual([]);
  expect(writes.filter((one) => !one.acknowledged).length).toBeGreaterThan(0);
}, 600_000);
