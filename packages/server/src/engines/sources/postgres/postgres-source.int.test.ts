import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { sourcesSuite } from '../suite.ts';
import { postgresSource, type PostgresSourceOptions } from './postgres-source.ts';

let db: TestDatabase;
let outbound: Outbound;
const signal = new AbortController().signal;

async function start() {
  db = await startTestDatabase([], { tcp: true });
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
  await db.asAdmin(`create role reader login password 'word'`);
  await db.asAdmin('create schema t; create table t.n (id int, x numeric(10,2), w text, at timestamptz, b boolean)');
  await db.asAdmin(
    `insert into t.n values (1, 1.50, 'a "b"', '2026-11-01 10:00+02', true), (2, null, '', null, false)`,
  );
  await db.asAdmin('grant usage on schema t to public; grant select on all tables in schema t to public');
}

function source(sql: string, more: Partial<PostgresSourceOptions> = {}) {
  const { port, database } = db.connection;
  const at = { host: '127.0.0.1', port, database, user: 'reader', password: 'word', tls: 'off' as const, outbound };
  return postgresSource({ ...at, sql, ...more });
}

beforeAll(start);
afterAll(async () => {
  await outbound.close();
  await db.stop();
});

sourcesSuite('postgres', false, async () => {
  await Promise.resolve();
  return {
    source: source('select * from t.n order by id'),
    absent: source('select * from t.nowhere'),
    change: async () => void (await db.asAdmin(`insert into t.n (id) values (3)`)),
    end: async () => {},
  };
});

test('keeps types, and distinguishes NULL from empty text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-postgres-source-'));
  const one = source('select id, x, w, at, b from t.n where id < 3 order by id');
  const [object] = await one.list(signal);
  expect(object?.columns?.map(({ type }) => type)).toEqual([
    'int32',
    'decimal(10,2)',
    'string',
    'timestamp',
    'boolean',
  ]);
  const { columns } = await one.fetch(object!, join(folder, 'x'), { signal });
  expect(columns).toEqual(object?.columns);
  expect(await readFile(join(folder, 'x'), 'utf8')).toBe(
    '"id","x","w","at","b"\n"1","1.50","a ""b""","2026-11-01 08:00:00+00","t"\n"2",,"",,"f"\n',
  );
  await rm(folder, { recursive: true });
});

test.each([
  ['two statements', 'select 1; select 2'],
  ['an escape from the transaction', 'select 1; commit; drop table t.n'],
  ['a write', `with x as (insert into t.n (id) values (9) returning id) select * from x`],
  ['a statement that is not a query', 'drop table t.n'],
])('rejects %s', async (_what, sql) => {
  await expect(source(sql).list(signal)).rejects.toMatchObject({ code: 'invalid_request' });
});

test('rejects an address inside the network before any request', async () => {
  await expect(source('select 1', { host: '10.0.0.1' }).list(signal)).rejects.toMatchObject({
    code: 'address_refused',
  });
});
