import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig } from './client-config.ts';
import type { ConnectionOptions, Migration, Slice } from './contract.ts';
import { migrate } from './migrate.ts';
import { startTestDatabase, type TestDatabase } from './testing.ts';

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase([]);
});
afterAll(async () => {
  await server.stop();
});

const first: Migration = { id: '0001-first', sql: 'create table shop.item (id int); insert into shop.item values (1)' };
const second: Migration = { id: '0002-second', sql: 'alter table shop.item add column price int' };
const shop = (...migrations: Migration[]): Slice[] => [{ schema: 'shop', migrations }];

async function rows(connection: ConnectionOptions, sql: string): Promise<unknown[]> {
  return await server.asAdminIn(connection.database, sql);
}

test('runs pending migrations once for concurrent starts', async () => {
  const empty = await server.emptyDatabase();
  const starters = Array.from({ length: 5 }, () => migrate(empty, shop(first, second), '1.0.0'));
  const results = await Promise.all(starters);
  expect(results.filter((applied) => applied.length > 0)).toEqual([
    ['dais/0001-base', 'shop/0001-first', 'shop/0002-second'],
  ]);
  expect(await rows(empty, 'select * from shop.item')).toEqual([{ id: 1, price: null }]);
  expect(await migrate(empty, shop(first, second), '1.0.0')).toEqual([]);
  expect(
    await rows(
      empty,
      `select id, program_version, length(checksum) as n from dais.migration where slice = 'shop' order by id`,
    ),
  ).toEqual([
    { id: '0001-first', program_version: '1.0.0', n: 64 },
    { id: '0002-second', program_version: '1.0.0', n: 64 },
  ]);
});

test('rolls back a failed migration and names it', async () => {
  const empty = await server.emptyDatabase();
  const broken = { id: '0002-broken', sql: 'create table shop.more (id int); select 1/0' };
  await expect(migrate(empty, shop(first, broken), '1.0.0')).rejects.toThrow('shop/0002-broken: division by zero');
  expect(await rows(empty, `select nspname from pg_namespace where nspname in ('shop', 'dais')`)).toEqual([]);
});

test('all objects belong to the owner role, and the application role has grants only', async () => {
  const empty = await server.emptyDatabase();
  await migrate(empty, shop(first), '1.0.0');
  expect(
    await rows(
      empty,
      `select distinct pg_get_userbyid(relowner) as owner from pg_class join pg_namespace n on n.oid = relnamespace
       where nspname in ('shop', 'dais')`,
    ),
  ).toEqual([{ owner: 'dais_owner' }]);
  expect(await rows(empty, `select has_table_privilege('dais_app', 'shop.item', 'select') as may`)).toEqual([
    { may: false },
  ]);
});

test('a data migration sees the rows of all projects', async () => {
  const empty = await server.emptyDatabase();
  const project = '01900000-0000-7000-8000-00000000000a';
  const table = {
    id: '0001-note',
    sql: `create table shop.note (project_id uuid, text text); select dais.protect('shop.note');
      insert into shop.note values ('${project}', 'a')`,
  };
  await migrate(empty, shop(table), '1.0.0');
  await migrate(empty, shop(table, { id: '0002-upper', sql: 'update shop.note set text = upper(text)' }), '1.0.0');
  expect(await rows(empty, 'select text from shop.note')).toEqual([{ text: 'A' }]);
});

test('rejects a project table without row security', async () => {
  const empty = await server.emptyDatabase();
  const open = {
    id: '0001-open',
    sql: 'create table shop.leak (project_id uuid); grant select on shop.leak to dais_app',
  };
  await expect(migrate(empty, shop(open), '1.0.0')).rejects.toThrow('no migration calls dais.protect: shop.leak');
});

test('makes a backup only before a change of existing data', async () => {
  const empty = await server.emptyDatabase();
  let backups = 0;
  const backup = async (): Promise<void> => {
    backups += 1;
    // It reads through a separate connection while the migration waits.
    expect(await rows(empty, `select count(*)::int as n from shop.item`)).toEqual([{ n: 1 }]);
  };
  await migrate(empty, shop(first), '1.0.0', { backup });
  await migrate(empty, shop(first), '1.0.0', { backup });
  expect(backups).toBe(0);
  const failing = async (): Promise<void> => {
    throw new Error('no room for the backup');
  };
  await expect(migrate(empty, shop(first, second), '1.0.0', { backup: failing })).rejects.toThrow('no room');
  expect(await rows(empty, 'select * from shop.item')).toEqual([{ id: 1 }]);
  await migrate(empty, shop(first, second), '1.0.0', { backup });
  expect(backups).toBe(1);
});

test('an older program runs on a newer schema as long as that allows it', async () => {
  const empty = await server.emptyDatabase();
  const contract = { id: '0003-contract', sql: 'alter table shop.item drop column price', minimumVersion: '1.1.0' };
  await migrate(empty, shop(first, second), '1.1.0');
  expect(await migrate(empty, shop(first), '1.0.0')).toEqual([]);
  await migrate(empty, shop(first, second, contract), '1.2.0');
  await expect(migrate(empty, shop(first), '1.0.0')).rejects.toMatchObject({ code: 'data_version' });
  expect(await migrate(empty, shop(first, second), '1.1.0')).toEqual([]);
});

test('waits for a table in use in short attempts', async () => {
  const empty = await server.emptyDatabase();
  await migrate(empty, shop(first), '1.0.0');
  const client = new Client(clientConfig({ ...server.admin, database: empty.database }, 'holder'));
  await client.connect();
  await client.query('begin; lock table shop.item in access share mode');
  let backups = 0;
  const backup = async (): Promise<void> => {
    backups += 1;
  };
  const migrating = migrate(empty, shop(first, second), '1.0.0', { lockTimeoutMs: 20, backup });
  // A waiter that retries has another transaction each time.
  const waiters = new Set<unknown>();
  const waiting = `select backend_xid::text as xid from pg_stat_activity where wait_event_type = 'Lock' and backend_xid is not null`;
  await expect
    .poll(
      async () => {
        for (const row of await server.asAdmin(waiting)) waiters.add(row['xid']);
        return waiters.size;
      },
      { interval: 2, timeout: 60_000 },
    )
    .toBeGreaterThan(1);
  await client.query('commit');
  await client.end();
  expect(await migrating).toEqual(['shop/0002-second']);
  expect(backups).toBe(1);
});

test('fails without a server', async () => {
  const nowhere = { ...server.connection, host: '/nonexistent' };
  await expect(migrate(nowhere, [], '1.0.0')).rejects.toMatchObject({ code: 'database_unavailable' });
});
