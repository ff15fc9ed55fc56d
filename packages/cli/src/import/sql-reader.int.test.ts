/** SQLite databases that another process writes, or wrote until it was killed. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSqlite } from './sql-reader.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-sql-reader-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const countIn = async (file: string) => {
  const reader = await openSqlite(file);
  try {
    return await reader.all('select count(*) as n from t');
  } finally {
    await reader.close();
  }
};

test('a transaction that was never committed is rolled back and not read', async () => {
  const [written, killed] = [join(folder, 'written.db'), join(folder, 'killed.db')];
  const database = new DatabaseSync(written);
  database.exec("create table t (a text); insert into t values ('kept'); pragma cache_size = 1; begin");
  const insert = database.prepare('insert into t values (?)');
  for (let row = 0; row < 5000; row++) insert.run('x'.repeat(500));
  // The state that a killed process leaves: changed pages, and a journal with the pages before.
  await copyFile(written, killed);
  await copyFile(`${written}-journal`, `${killed}-journal`);
  database.exec('rollback');
  database.close();
  expect(await countIn(killed)).toEqual([{ n: 1 }]);
});

test('a database is read while another connection has an open transaction', async () => {
  const file = join(folder, 'open.db');
  const database = new DatabaseSync(file);
  database.exec("create table t (a text); insert into t values ('kept'); begin; insert into t values ('open')");
  expect(await countIn(file)).toEqual([{ n: 1 }]);
  database.exec('commit');
  expect(await countIn(file)).toEqual([{ n: 2 }]);
  database.close();
});

test('numbers beyond 2^53 stay exact, and other files are clear errors', async () => {
  const file = join(folder, 'numbers.db');
  const database = new DatabaseSync(file);
  database.exec('create table t (a integer); insert into t values (9007199254740993), (7)');
  database.close();
  const reader = await openSqlite(file);
  expect(await reader.all('select a from t where a > ? order by a', [true])).toEqual([
    { a: 7 },
    { a: 9007199254740993n },
  ]);
  await reader.close();
  await writeFile(join(folder, 'text.db'), 'no database '.repeat(100));
  await expect(openSqlite(join(folder, 'text.db'))).rejects.toMatchObject({ code: 'invalid_request' });
});
