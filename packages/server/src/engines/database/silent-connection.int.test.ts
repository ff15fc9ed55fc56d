/** A network that loses all packets of existing connections without notifying anybody. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from './testing.ts';
import { openDatabase } from './database.ts';
import type { Database } from './contract.ts';

const SCOPE = { scope: 'all' } as const;
const STATEMENT_MS = 2000;
/** Two of them exceed the limit of one statement, and each leaves 0.8 s for a busy machine. */
const LONG = `pg_sleep(${(STATEMENT_MS * 0.6) / 1000})`;
const SILENCE_MS = 200;

let server: TestDatabase;
let network: SilentNetwork;
let database: Database;

/** Forwards connections to the socket of the server until it is silent. */
class SilentNetwork {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  constructor(target: string) {
    this.#server = createServer((client) => {
      const upstream = connect(target);
      const pair = [client, upstream] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [upstream, client] as const]) {
        from.on('data', (bytes) => void to.write(bytes));
        from.on('error', () => {});
        from.on('close', () => {
          to.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Of the existing connections, in both directions; new ones work. */
  loseAll(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.removeAllListeners('data').resume();
  }

  async close(): Promise<void> {
    for (const [client] of this.#pairs) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

beforeAll(async () => {
  server = await startTestDatabase([]);
  const { host, port } = server.connection;
  network = new SilentNetwork(path.join(host, `.s.PGSQL.${port}`));
  const connection = { ...server.connection, host: '127.0.0.1', port: await network.listen() };
  database = openDatabase(connection, { poolSize: 2, statementTimeoutMs: STATEMENT_MS, silenceMs: SILENCE_MS });
});
afterAll(async () => {
  await database.close();
  await network.close();
  await server.stop();
});

const one = async () => await database.statement<{ n: number }>({ ...SCOPE, mode: 'read' }, 'select 1 as n');

test('a read on a connection that is silent continues on a new one', async () => {
  expect(await one()).toEqual([{ n: 1 }]);
  network.loseAll();
  expect(await one()).toEqual([{ n: 1 }]);
});

test('a write on a connection that is silent fails as one of unknown result, and the next one works', async () => {
  const write = async () =>
    await database.transaction({ ...SCOPE, mode: 'write' }, async (sql) => {
      await sql.query('select 1');
      network.loseAll();
    });
  await expect(write()).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining('unknown whether the change was saved') as string,
  });
  expect(await one()).toEqual([{ n: 1 }]);
});

test('a statement that takes longer than a silence may is not lost', async () => {
  expect(await database.statement({ ...SCOPE, mode: 'read' }, `select 1 as n, ${LONG}`)).toMatchObject([{ n: 1 }]);
});

test('statements of one round trip may each take as long as they may', async () => {
  const rows = await database.transaction({ ...SCOPE, mode: 'write' }, async (sql) => {
    sql.defer(`select ${LONG}`);
    return await sql.query(`select 1 as n, ${LONG}`);
  });
  expect(rows).toMatchObject([{ n: 1 }]);
});
