import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Column, QueryEngine } from '../../contract.ts';
import { call, column, filter, literal, named, scan } from '../../model/build.ts';
import { QueryError } from '../../model/query-error.ts';
import type { Relation } from '../../model/query-tree.ts';
import { openDuckdbQuery } from '../duckdb-query.ts';

let folder: string;
let engine: QueryEngine;
let secretFile: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dais-sql-'));
  secretFile = path.join(folder, 'people.csv');
  await writeFile(secretFile, 'id,name,salary,region\n1,Ada,100,EU\n2,Bob,200,US\n3,Cyd,300,EU\n');
  engine = openDuckdbQuery({
    folder: path.join(folder, 'scratch'),
    memoryMb: 512,
    tempMb: 512,
    clock: systemClock,
    log: silentLog,
  });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const KEY = Buffer.from('the key of the project').toString('base64');

/** A restricted view: names as pseudonyms, no salary, one region. */
function people(): Relation {
  return {
    type: 'project',
    from: filter(scan('people'), call('=', column('region'), literal('EU'))),
    columns: [named('id', column('id')), named('name', { type: 'hmac', value: column('name'), key: KEY, digits: 16 })],
  };
}

async function ask(sql: string, views: Readonly<Record<string, Relation>> = { people: people() }) {
  return await engine.run({
    tables: { people: { files: [{ path: secretFile, format: 'csv' }] } },
    query: { type: 'sql', dialect: 'duckdb', sql, views },
    output: { type: 'rows', limit: 100 },
  });
}

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'int64' },
  { name: 'name', type: 'string' },
  { name: 'salary', type: 'int64' },
  { name: 'region', type: 'string' },
];

/** Rejected by the check before every run. */
async function checkedRefusal(sql: string): Promise<QueryError> {
  const query: Relation = { type: 'sql', dialect: 'duckdb', sql, views: { people: people() } };
  return await refused(engine.check(query, { people: COLUMNS }));
}

async function refusalOf(sql: string): Promise<QueryError> {
  return await refused(ask(sql));
}

async function refused(work: Promise<unknown>): Promise<QueryError> {
  try {
    throw new Error(`It was answered: ${JSON.stringify(await work)}`);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return error;
  }
}

describe('accepts', () => {
  test.each([
    ['SELECT count(*) AS n FROM people', [[2]]],
    ['select count(*) as n from people; ', [[2]]],
    ['SELECT id FROM people ORDER BY id -- and a comment', [[1], [3]]],
    ['SELECT id FROM PEOPLE p WHERE p.id IN (SELECT max(id) FROM people)', [[3]]],
    ['WITH a AS (SELECT * FROM people), b AS (SELECT id FROM a) SELECT sum(id)::BIGINT AS s FROM b', [[4]]],
    ['WITH people AS (SELECT id FROM people WHERE id = 1) SELECT * FROM people', [[1]]],
    ['WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT max(n) AS m FROM r', [[4]]],
    ['SELECT a.id FROM people a JOIN people b USING (id) ORDER BY 1 LIMIT 1', [[1]]],
    ['SELECT x FROM (VALUES (1), (2)) t(x) ORDER BY x', [[1], [2]]],
    ['SELECT range FROM range(2)', [[0], [1]]],
    ['FROM people SELECT length(name) AS l WHERE id = 1', [[16]]],
    ["SELECT list_transform([1, 2], lambda x: x + 1) AS l, {'a': 1}.a AS a, 'b' LIKE 'b%' AS m", [[[2, 3], 1, true]]],
    ['SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM people QUALIFY n = 1', [[3, 1]]],
    ['SELECT id FROM people UNION ALL (SELECT 9) ORDER BY ALL', [[1], [3], [9]]],
    [
      "SELECT CASE WHEN EXISTS (SELECT 1 FROM people) THEN 'some' END AS a, DATE '2026-11-26' AS d",
      [['some', '2026-11-26']],
    ],
  ])('%s', async (sql, rows) => {
    expect((await ask(sql)).rows).toEqual(rows);
  });
});

/** Escapes: from views to tables, from tables to files, from the query to the session. */
const ESCAPES: readonly (readonly [string, string])[] = [
  ['another statement', 'SELECT 1; SELECT 2'],
  ['a change', 'DROP TABLE people'],
  ['an insertion', 'INSERT INTO people VALUES (1)'],
  ['a copy to a file', "COPY people TO '/tmp/out.csv'"],
  ['a copy of a query', "COPY (SELECT 1) TO '/tmp/out.csv'"],
  ['an attachment', "ATTACH '/tmp/x.db'"],
  ['a setting', 'SET lock_configuration = false'],
  ['a reset', 'RESET enable_external_access'],
  ['a pragma', 'PRAGMA database_list'],
  ['a call', 'CALL duckdb_settings()'],
  ['an extension', 'INSTALL httpfs'],
  ['a loaded extension', "LOAD '/tmp/evil.duckdb_extension'"],
  ['a made table', 'CREATE TABLE x AS SELECT 1'],
  ['a macro', 'CREATE MACRO f() AS 1'],
  ['an explanation', 'EXPLAIN SELECT * FROM people'],
  ['a prepared statement', 'PREPARE p AS SELECT 1'],
  ['an export', "EXPORT DATABASE '/tmp/x'"],
  ['a summary', 'SELECT * FROM (SUMMARIZE people)'],
  ['a description', 'SELECT * FROM (DESCRIBE people)'],
  ['the list of tables', 'SELECT * FROM (SHOW ALL TABLES)'],
  ['a file by its path', "SELECT * FROM '/etc/passwd'"],
  ['a file by the name of its table', "SELECT * FROM 'people.csv'"],
  ['read_csv', "SELECT * FROM read_csv('/etc/passwd')"],
  ['read_text', "SELECT * FROM read_text('/etc/passwd')"],
  ['read_blob', "SELECT * FROM read_blob('/etc/passwd')"],
  ['read_parquet', "SELECT * FROM read_parquet('/tmp/*.parquet')"],
  ['read_json in a subquery', "SELECT (SELECT count(*) FROM read_json('/tmp/x.json'))"],
  ['a glob', "SELECT * FROM glob('/**')"],
  ['sniff_csv', "SELECT * FROM sniff_csv('/etc/passwd')"],
  ['parquet_metadata', "SELECT * FROM parquet_metadata('/tmp/x.parquet')"],
  ['the network', "SELECT * FROM read_csv('http://127.0.0.1/x')"],
  ['a bucket', "SELECT * FROM 's3://bucket/x.parquet'"],
  ['a variable of the environment', "SELECT getenv('HOME')"],
  ['a setting as a function', "SELECT current_setting('temp_directory')"],
  ['a variable', "SELECT getvariable('x')"],
  ['the text of the query', 'SELECT current_query()'],
  ['statistics of a column', 'SELECT stats(name) FROM people'],
  ['the list of settings', 'SELECT * FROM duckdb_settings()'],
  ['the list of views', 'SELECT * FROM duckdb_views()'],
  ['the list of columns', 'SELECT * FROM duckdb_columns()'],
  ['the information schema', 'SELECT * FROM information_schema.tables'],
  ['the catalog of PostgreSQL', 'SELECT * FROM pg_catalog.pg_class'],
  ['the master table', 'SELECT * FROM sqlite_master'],
  ['a table of the stage', 'SELECT * FROM stage."~t1"'],
  ['a table of the stage by catalog', 'SELECT * FROM stage.main."~t1"'],
  ['a table of the stage without its name', 'SELECT * FROM "~t1"'],
  ['a view by its schema', 'SELECT * FROM main.people'],
  ['a query in text', 'SELECT * FROM query(\'SELECT * FROM stage."~t1"\')'],
  ['a table in text', "SELECT * FROM query_table('stage.~t1')"],
  ['a serialized query', "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))"],
  ['a parameter', 'SELECT $1'],
  ['a time of the table', 'SELECT * FROM people AT (VERSION => 1)'],
  ['a CTE that hides in another scope', 'SELECT * FROM (WITH "sqlite_master" AS (SELECT 1) SELECT 1), sqlite_master'],
  ['a CTE named as a file', `WITH a AS (WITH "/etc/passwd" AS (SELECT 1) SELECT 1) SELECT * FROM "/etc/passwd"`],
  ['a CTE that reads the later one', 'WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a'],
  ['a parenthesis that closes ours', 'SELECT 1) UNION ALL (SELECT 2'],
  ['a comment that opens', 'SELECT 1 /* '],
  ['a type of the catalog', "SELECT 'people'::regclass"],
  ['a wait', 'SELECT sleep_ms(1000)'],
  ['a line of the log', "SELECT write_log('x')"],
  ['an error of their own', "SELECT error('x')"],
  ['a function by its schema', 'SELECT pg_catalog.pg_get_viewdef(1)'],
  ['a function in a window', 'SELECT stats(id) OVER () FROM people'],
  ['a function in ORDER BY', "SELECT 1 FROM people ORDER BY current_setting('threads')"],
  ['a function in LIMIT', "SELECT 1 LIMIT (SELECT count(*) FROM glob('*'))"],
  ['a function in FILTER', "SELECT count(*) FILTER (getvariable('x') IS NULL) FROM people"],
  ['a lateral read', 'SELECT * FROM people, LATERAL read_text(name)'],
  ['a column that the view has not', 'SELECT salary FROM people'],
  ['a column through the row', 'SELECT people.salary FROM people'],
  ['NUL', 'SELECT 1\0'],
  ['nothing', ''],
];

describe('rejects escapes', () => {
  test.each(ESCAPES)('%s: %s', async (_, sql) => {
    const refusal = await checkedRefusal(sql);
    expect(refusal.code).toBe('query_invalid');
    expect(refusal.message).not.toMatch(/Ada|Bob|Cyd|scratch|columns = |unhex/);
    expect(JSON.stringify(refusal.issues ?? [])).not.toContain(KEY);
  });

  test('a run includes the check', async () => {
    expect((await refusalOf("SELECT * FROM read_text('/etc/passwd')")).code).toBe('query_invalid');
  });

  test('errors contain no rows or values that a view hides', async () => {
    const refusal = await refusalOf('SELECT CAST(name AS INTEGER) FROM people');
    expect(refusal.message).toBe('A value cannot be converted to INT32. TRY_CAST returns NULL instead.');
  });
});

describe('reports errors with their position', () => {
  test.each([
    ['SELECT\n  nme\nFROM people', 'Column `nme` does not exist. Similar columns: `name`.', { line: 2, column: 3 }],
    ['SELECT altitude FROM people', 'Column `altitude` does not exist. Existing columns: `', { line: 1, column: 8 }],
    ['SELECT *\nFROM persons', 'Table `persons` does not exist. Available tables: `people`.', { line: 2, column: 6 }],
    ['SELECT id id id FROM people', 'Syntax error', { line: 1, column: 14 }],
    ["SELECT 'ü', getenv('x')", 'The function `getenv` is not available.', { line: 1, column: 13 }],
    ['SELECT sum(name) FROM people', 'No function matches', { line: 1, column: 8 }],
  ])('%s', async (sql, message, position) => {
    const refusal = await refusalOf(sql);
    expect(refusal.message).toContain(message);
    expect(refusal.position).toEqual(position);
  });
});

test('the pseudonym of a name is a standard HMAC', async () => {
  const { createHmac } = await import('node:crypto');
  const { rows } = await ask('SELECT name FROM people WHERE id = 1');
  const expected = createHmac('sha256', Buffer.from(KEY, 'base64')).update('Ada').digest('hex').slice(0, 16);
  expect(rows).toEqual([[expected]]);
});
