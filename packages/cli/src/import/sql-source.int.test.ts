/** The same tables in SQLite and in PostgreSQL are one source. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sqlite from 'node-sqlite3-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../../server/src/engines/database/testing.ts';
import { LocalFiles } from './local-files.ts';
import type { TrackingSource } from './source.ts';
import { openPostgres, openSqlite } from './sql-reader.ts';
import { sqlSource } from './sql-source.ts';

/** The read columns, as MLflow declares them; no `logged_models`: a store of MLflow 2. */
const TABLES = `
create table experiments (experiment_id integer primary key, name varchar(256), artifact_location varchar(256),
  lifecycle_stage varchar(32), creation_time bigint, last_update_time bigint);
create table experiment_tags (experiment_id integer, key varchar(250), value varchar(5000));
create table runs (run_uuid varchar(32) primary key, name varchar(250), user_id varchar(256), status varchar(20),
  start_time bigint, end_time bigint, lifecycle_stage varchar(20), artifact_uri varchar(200), experiment_id integer);
create table params (run_uuid varchar(32), key varchar(250), value varchar(8000));
create table tags (run_uuid varchar(32), key varchar(250), value varchar(8000));
create table metrics (run_uuid varchar(32), key varchar(250), value double precision, timestamp bigint, step bigint, is_nan boolean);
create table latest_metrics (run_uuid varchar(32), key varchar(250), value double precision, timestamp bigint, step bigint, is_nan boolean);
create table registered_models (name varchar(256), creation_time bigint, last_updated_time bigint, description varchar(5000));
create table registered_model_tags (name varchar(256), key varchar(250), value varchar(5000));
create table registered_model_aliases (name varchar(256), alias varchar(256), version integer);
create table model_versions (name varchar(256), version integer, creation_time bigint, last_updated_time bigint,
  description varchar(5000), current_stage varchar(20), source varchar(500), run_id varchar(32), run_link varchar(500));
create table model_version_tags (name varchar(256), version integer, key varchar(250), value varchar(5000));
insert into experiments values (0, 'Default', 'mlflow-artifacts:/0', 'active', 1700000000000, 1700000000001),
  (7, 'it''s gone', 'file:///nowhere/7', 'deleted', 2, 3);
insert into experiment_tags values (7, 'a', 'b');
insert into runs values ('r1', 'one', 'ada', 'FINISHED', 10, 20, 'active', 'mlflow-artifacts:/0/r1/artifacts', 0),
  ('r2', 'two', null, 'RUNNING', 11, null, 'deleted', 'mlflow-artifacts:/0/r2/artifacts', 0);
insert into params values ('r1', 'p', '1');
insert into tags values ('r1', 't', 'ü'), ('r2', 't', null);
insert into metrics values ('r1', 'm', 0.5, 1, 0, false), ('r1', 'm', 0, 2, 1, true), ('r1', 'm', 0.25, 3, -2, false);
insert into latest_metrics values ('r1', 'm', 0, 2, 1, true);
insert into registered_models values ('net', 1, 2, null);
insert into registered_model_tags values ('net', 'k', 'v');
insert into registered_model_aliases values ('net', 'champion', 1);
insert into model_versions values ('net', 1, 3, 4, null, 'Production', 'runs:/r1/model', 'r1', ''),
  ('net', 2, 3, 4, null, 'Deleted_Internal', 'REDACTED-SOURCE-PATH', null, null);
insert into model_version_tags values ('net', 1, 'q', 'z');
`;

let folder: string;
let postgres: TestDatabase;
const sources = new Map<string, TrackingSource>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-sql-source-'));
  await mkdir(join(folder, 'artifacts/0/r1/artifacts/sub'), { recursive: true });
  await writeFile(join(folder, 'artifacts/0/r1/artifacts/sub/ä b.txt'), 'bytes');
  const files = new LocalFiles(join(folder, 'artifacts'));
  const file = join(folder, 'mlflow.db');
  const database = new sqlite.Database(file);
  database.exec(TABLES);
  database.close();
  sources.set('SQLite', await sqlSource(await openSqlite(file), files, 'sqlite'));
  postgres = await startTestDatabase([]);
  const { host, user, database: name } = await postgres.emptyDatabase();
  const url = `postgresql://${user}@localhost/${name}?host=${encodeURIComponent(host)}`;
  await postgres.asAdminIn(name, `${TABLES} grant select on all tables in schema public to public`);
  sources.set('PostgreSQL', await sqlSource(await openPostgres(url), files, 'postgresql'));
});
afterAll(async () => {
  for (const source of sources.values()) await source.close();
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe.each(['SQLite', 'PostgreSQL'])('%s', (which) => {
  const source = () => sources.get(which)!;

  test('experiments and runs are imported unchanged', async () => {
    expect(await all(source().experiments())).toEqual([
      {
        id: '0',
        name: 'Default',
        artifactUri: 'mlflow-artifacts:/0',
        createdAt: 1_700_000_000_000,
        updatedAt: 1_700_000_000_001,
        deleted: false,
        tags: {},
      },
      expect.objectContaining({ id: '7', name: "it's gone", deleted: true, tags: { a: 'b' } }),
    ]);
    const links = { datasets: [], modelInputs: [], modelOutputs: [] };
    expect(await all(source().runs('0'))).toEqual([
      {
        id: 'r1',
        name: 'one',
        user: 'ada',
        status: 'FINISHED',
        startedAt: 10,
        endedAt: 20,
        deleted: false,
        artifactUri: 'mlflow-artifacts:/0/r1/artifacts',
        params: { p: '1' },
        tags: { t: 'ü' },
        metrics: [{ key: 'm', value: 'NaN', timestamp: 2, step: 1 }],
        ...links,
      },
      expect.objectContaining({ id: 'r2', user: '', status: 'RUNNING', deleted: true, tags: { t: '' }, ...links }),
    ]);
    expect(await all(source().runs('7'))).toEqual([]);
  });

  test('histories are complete, with NaN', async () => {
    expect(await all(source().history('r1', 'm'))).toEqual([
      { steps: [0, 1, -2], timestamps: [1, 2, 3], values: [0.5, 'NaN', 0.25] },
    ]);
    expect(await all(source().history('r2', 'm'))).toEqual([]);
  });

  test('models have aliases; deleted versions are omitted', async () => {
    const [model] = await all(source().models());
    expect(model).toMatchObject({ name: 'net', description: '', tags: { k: 'v' }, aliases: { champion: 1 } });
    const versions = await all(source().versions('net'));
    expect(versions).toEqual([
      expect.objectContaining({ version: 1, stage: 'Production', source: 'runs:/r1/model', tags: { q: 'z' } }),
    ]);
    expect(await all(source().loggedModels('0'))).toEqual([]);
  });

  test('files are read from the folder of the server', async () => {
    const owner = { type: 'run', id: 'r1', artifactUri: 'mlflow-artifacts:/0/r1/artifacts' } as const;
    expect(await all(source().files(owner))).toEqual([{ path: 'sub/ä b.txt', size: 5 }]);
    expect((await buffer(await source().open(owner, 'sub/ä b.txt'))).toString()).toBe('bytes');
    expect(await all(source().files({ ...owner, artifactUri: 'mlflow-artifacts:/0/none/artifacts' }))).toEqual([]);
  });
});

test('locations elsewhere, and paths that leave the folder, are rejected', async () => {
  const files = new LocalFiles(join(folder, 'artifacts'));
  await expect(all(files.list('s3://bucket/0'))).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(all(files.list('mlflow-artifacts:/../../etc'))).rejects.toMatchObject({ code: 'unsafe_path' });
  const none = new LocalFiles(undefined);
  await expect(all(none.list('mlflow-artifacts:/0'))).rejects.toThrow('--artifacts-folder');
});

test('a file that is not a tracking database has a clear error', async () => {
  const text = join(folder, 'text.db');
  await writeFile(text, 'no database at all, but long enough to be read as one. '.repeat(50));
  await expect(openSqlite(text)).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(openSqlite(join(folder, 'none.db'))).rejects.toMatchObject({ code: 'invalid_request' });
  const empty = join(folder, 'empty.db');
  new sqlite.Database(empty).close();
  const database = new sqlite.Database(empty);
  database.exec('create table other (a int)');
  database.close();
  const reader = await openSqlite(empty);
  await expect(sqlSource(reader, new LocalFiles(undefined), 'x')).rejects.toThrow('table experiments is missing');
  await reader.close();
  await expect(openPostgres('postgresql://u:hunter2@127.0.0.1:9/x')).rejects.toThrow(/^(?!.*hunter2).*127\.0\.0\.1/);
});
