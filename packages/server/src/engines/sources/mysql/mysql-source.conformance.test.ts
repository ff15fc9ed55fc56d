/** The MariaDB of Debian, in a separate data folder. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import mysql from 'mysql2';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { run, start, type ChildProcess } from '#lib/process.ts';
import { freePort } from '#testing/dais-process.ts';
import { ensureProgram } from '../../../../../../tools/debian-packages.mjs';
import { sourcesSuite } from '../suite.ts';
import { mysqlSource, type MysqlSourceOptions } from './mysql-source.ts';

const PATIENCE_MS = 300_000;
const signal = new AbortController().signal;
let folder: string;
let port: number;
let server: ChildProcess;
let gone: Promise<void>;
let outbound: Outbound;

beforeAll(async () => {
  const missing = 'Tests of the MySQL source need MariaDB, and it is not on the PATH.';
  const program = await ensureProgram(missing, ['mariadbd'], 'mariadb-server-core');
  const installer = await ensureProgram(missing, ['mariadb-install-db'], 'mariadb-server-core');
  // The installer calls it, but the package only recommends the package that contains it.
  await ensureProgram(missing, ['my_print_defaults'], 'mariadb-client-core');
  folder = await mkdtemp(join(tmpdir(), 'dais-mysql-'));
  const data = [`--datadir=${join(folder, 'data')}`, `--user=${userInfo().username}`];
  const words = ['--no-defaults', ...data, '--auth-root-authentication-method=normal', '--skip-test-db'];
  const made = await run(installer, words, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, timeoutMs: PATIENCE_MS });
  if (made.code !== 0) throw new Error(`${made.stdout.toString('utf8')}\n${made.stderr}`);
  port = await freePort();
  server = start(
    program,
    [
      '--no-defaults',
      ...data,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--innodb-buffer-pool-size=16M',
      '--innodb-log-file-size=8M',
      `--secure-file-priv=${folder}`,
    ],
    { stdio: 'ignore' },
  );
  gone = new Promise<void>((resolve) => server.once('close', () => resolve()));
  outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
  const answers = async () =>
    await asRoot('select 1').then(
      () => true,
      () => false,
    );
  await vi.waitUntil(answers, { timeout: 60_000, interval: 100 });
  await asRoot(`create database shop character set utf8mb4`);
  await asRoot(`create user reader@'127.0.0.1' identified by 'word'`);
  // More permissions than a reader needs, so that the source itself must reject writes.
  await asRoot(`grant all on shop.* to reader@'127.0.0.1'`);
  await asRoot(`grant file on *.* to reader@'127.0.0.1'`);
  await asRoot(`create table shop.n (id int primary key, x decimal(10,2), w varchar(50), at timestamp null, day date,
    big bigint unsigned, small tinyint, f float, d double, bytes varbinary(8), j json, y year, t time, e enum('a','b'))`);
  await asRoot(`set time_zone = '+02:00'; insert into shop.n values
    (1, 1.50, 'a "b", ü', '2026-11-01 10:00:00', '2026-11-01', 18446744073709551615, -7, 0.5, 0.1, x'00ff', '{"a": 1}', 2026, '-30:00:01', 'b'),
    (2, null, '', null, null, null, null, null, null, null, null, null, null, null)`);
  await asRoot(`create procedure shop.p() begin insert into shop.n (id) values (99); end`);
}, PATIENCE_MS);
afterAll(async () => {
  await outbound?.close();
  server?.kill('SIGTERM');
  await gone;
  await rm(folder, { recursive: true, force: true });
});

async function asRoot(sql: string): Promise<readonly Record<string, unknown>[]> {
  const connection = mysql.createConnection({ host: '127.0.0.1', port, user: 'root', multipleStatements: true });
  connection.on('error', () => {});
  try {
    return await new Promise((resolve, reject) => {
      connection.query(sql, (error, rows) => {
        if (error === null) resolve(rows as Record<string, unknown>[]);
        else reject(error);
      });
    });
  } finally {
    connection.destroy();
  }
}

function source(sql: string, more: Partial<MysqlSourceOptions> = {}) {
  const at = { host: '127.0.0.1', port, database: 'shop', user: 'reader', password: 'word', tls: 'off' as const };
  return mysqlSource({ ...at, outbound, sql, ...more });
}

sourcesSuite('mysql', false, async () => {
  await Promise.resolve();
  return {
    source: source('select * from n order by id desc'),
    absent: source('select * from nowhere'),
    change: async () => void (await asRoot('insert into shop.n (id) values (3)')),
    end: async () => void (await asRoot('delete from shop.n where id > 2')),
  };
});

test('keeps types and order, and distinguishes NULL from empty text', async () => {
  const one = source('select * from n where id < 3 order by id desc');
  const [object] = await one.list(signal);
  expect(Object.fromEntries(object?.columns?.map(({ name, type }) => [name, type]) ?? [])).toEqual({
    id: 'int32',
    x: 'decimal(10,2)',
    w: 'string',
    at: 'timestamp',
    day: 'date',
    big: 'uint64',
    small: 'int8',
    f: 'float32',
    d: 'float64',
    bytes: 'string',
    j: 'string',
    y: 'int16',
    t: 'string',
    e: 'string',
  });
  const path = join(folder, 'rows.csv');
  const { columns } = await one.fetch(object!, path, { signal });
  expect(columns).toEqual(object?.columns);
  expect(await readFile(path, 'utf8')).toBe(
    `"id","x","w","at","day","big","small","f","d","bytes","j","y","t","e"
"2",,"",,,,,,,,,,,
"1","1.50","a ""b"", ü","2026-11-01 08:00:00","2026-11-01","18446744073709551615","-7","0.5","0.1","\\x00ff","{""a"": 1}","2026","-30:00:01","b"
`,
  );
});

test('streams many rows of one snapshot in bounded memory', async () => {
  const one = source('select seq, repeat("x", 200) as text from seq_1_to_50000');
  const [object] = await one.list(signal);
  const path = join(folder, 'many.csv');
  await one.fetch(object!, path, { signal });
  expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(50_002);
});

test.each([
  ['two statements', 'select 1; select 2'],
  ['a write', 'insert into n (id) values (9)'],
  ['a definition', 'drop table n'],
  ['a procedure that writes', 'call p()'],
  ['a file that is written', "select 1 into outfile 'stolen'"],
  ['a file that is written, behind a bracket', "select 1) as x into outfile 'stolen' -- "],
  ['a comment that does not end', 'select 1 /*'],
  ['a file of this machine', "load data local infile '/etc/passwd' into table n"],
  ['another database’s users', 'select user from mysql.user'],
  ['a lock', 'lock tables n write'],
])('rejects %s', async (_what, sql) => {
  const [{ count }] = (await asRoot('select count(*) as count from shop.n')) as [{ count: number }];
  await expect(source(sql).list(signal)).rejects.toMatchObject({ code: 'invalid_request' });
  const object = { name: 'query.csv', uri: '', pin: '', bytes: undefined };
  await expect(source(sql).fetch(object, join(folder, 'never'), { signal })).rejects.toMatchObject({
    code: 'invalid_request',
  });
  expect(await asRoot('select count(*) as count from shop.n')).toEqual([{ count }]);
  await expect(readFile(join(folder, 'stolen'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('reports a wrong password, a missing server and one inside the network', async () => {
  await expect(source('select 1', { password: 'secret-word' }).list(signal)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.not.stringContaining('secret-word'),
  });
  await expect(source('select 1', { port: await freePort() }).list(signal)).rejects.toMatchObject({
    code: 'upstream_failed',
  });
  await expect(source('select 1', { host: '10.0.0.1' }).list(signal)).rejects.toMatchObject({
    code: 'address_refused',
  });
  // It does not support TLS: required encryption must fail.
  await expect(source('select 1', { tls: 'require' }).list(signal)).rejects.toMatchObject({ code: 'upstream_failed' });
});
