import { existsSync } from 'node:fs';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGunzip, createGzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionOptions, Migration, Slice } from '../contract.ts';
import { openDatabase } from '../database.ts';
import { migrate } from '../migrate.ts';
import { startTestDatabase, type TestDatabase } from '../testing.ts';
import { ArchiveReader } from './archive-format.ts';
import { exportDatabase, type ArchiveProgress } from './export-database.ts';
import { importDatabase, verifyArchive } from './import-database.ts';

const ALPHA = '01900000-0000-7000-8000-00000000000a';
const BETA = '01900000-0000-7000-8000-00000000000b';
const clock = { now: () => Date.parse('2026-03-04T05:06:07Z') };

/** One of each database object that a slice may use. */
const first: Migration = {
  id: '0001-shop',
  sql: `
create type shop.mood as enum ('fine', 'so so');
create table shop.customer (
  id bigint generated always as identity primary key,
  project_id uuid not null,
  name text collate "C" not null,
  friend bigint references shop.customer (id),
  latest bigint,
  mood shop.mood,
  upper_name text generated always as (upper(name)) stored,
  unique (project_id, name)
);
select dais.protect('shop.customer');
create table shop."Order" (
  id serial primary key,
  project_id uuid not null,
  customer bigint not null references shop.customer (id) on delete cascade deferrable,
  "the note" text,
  doc jsonb, raw bytea, real float8, exact numeric, at timestamptz, tags text[], span interval, made shop.mood[]
);
select dais.protect('shop."Order"', 'select, insert');
grant usage on sequence shop."Order_id_seq" to dais_app;
alter table shop.customer add foreign key (latest) references shop."Order" (id);
create sequence shop.number start 7 increment 3;
create table shop.settings (one boolean primary key default true, epoch int not null default 1);
insert into shop.settings default values;
create table shop.event (id bigint generated always as identity, at timestamptz not null, project_id uuid not null, text text)
  partition by range (at);
create table shop.event_default partition of shop.event default;
create table shop.event_today partition of shop.event for values from ('2020-01-01') to ('2020-02-01');
select dais.protect('shop.event');
create function shop.shout() returns trigger language plpgsql as $$ begin new.text := new.text || '!'; return new; end $$;
create trigger shout before insert on shop.event for each row execute function shop.shout();
create view shop.names as select name from shop.customer;
create function shop.make_part(name text, lower text, upper text) returns void language plpgsql security definer
  set search_path = pg_catalog as $$ begin
  execute format('create table shop.%I partition of shop.event for values from (%L) to (%L)', name, lower, upper);
end $$;
`,
};
const second: Migration = { id: '0002-later', sql: 'alter table shop.settings add column later text' };
const other: Slice = { schema: 'other', migrations: [{ id: '0001-empty', sql: 'create table other.empty (id int)' }] };
const shop = (...migrations: Migration[]): Slice[] => [
  { schema: 'shop', migrations, afterImport: 'update shop.settings set epoch = epoch + 1' },
  other,
];

let server: TestDatabase;
beforeAll(async () => {
  server = await startTestDatabase([]);
});
afterAll(async () => {
  await server.stop();
});

async function filled(): Promise<ConnectionOptions> {
  const connection = await server.emptyDatabase();
  await migrate(connection, shop(first), '1.0.0');
  const database = openDatabase(connection);
  await database.transaction({ mode: 'write', scope: 'all' }, async (sql) => {
    await sql.query('reset role');
    await sql.query('set local role dais_owner');
    await sql.query(`select shop.make_part('event_2026', '2026-01-01', '2027-01-01')`);
    await sql.query('drop table shop.event_today');
    await sql.query(
      `insert into shop.customer (project_id, name, friend, mood)
       select case when g % 2 = 0 then $1::uuid else $2::uuid end, 'name ' || g, nullif(g % 7, 0), 'so so'
       from generate_series(1, 2000) g`,
      [ALPHA, BETA],
    );
    await sql.query(
      `insert into shop."Order" (project_id, customer, "the note", doc, raw, real, exact, at, tags, span, made)
       select project_id, id, E'tab\\there, line\\nthere, \\\\ back, ünïcödé 😀 ' || id,
         jsonb_build_object('a', id, 'b', E'x\\ty'), decode(md5(id::text), 'hex'), id / 3.0::float8, 1e30::numeric / 7,
         '2026-01-02T03:04:05.678901Z', array['a,b', '"q"', null, ''], '1 month -3 days 04:05:06.789', '{fine,"so so"}'
       from shop.customer`,
    );
    await sql.query(
      `insert into shop."Order" (project_id, customer, "the note", real, exact, at)
       values ($1, 1, '', 'NaN', 'NaN', 'infinity'), ($1, 1, null, '-Infinity', 0, '0044-03-15 12:00:00 BC')`,
      [ALPHA],
    );
    await sql.query(`update shop.customer c set latest = (select max(id) from shop."Order" o where o.customer = c.id)`);
    await sql.query(
      `insert into shop.event (at, project_id, text) values ('2026-05-06', $1, 'in 2026'), ('1999-01-01', $1, 'old')`,
      [ALPHA],
    );
    await sql.query(`select nextval('shop.number'), nextval('shop.number')`);
    await sql.query(`update shop.settings set epoch = 41`);
  });
  await database.close();
  return connection;
}

async function exported(connection: ConnectionOptions, slices = shop(first), options = {}): Promise<Buffer> {
  const sink = new PassThrough();
  const whole = buffer(sink);
  await exportDatabase(connection, slices, sink, { programVersion: '1.0.0', clock, ...options });
  sink.end();
  return await whole;
}

/** Rows and digest by table. */
async function contents(archive: Buffer): Promise<Record<string, unknown>> {
  const reader = new ArchiveReader(Readable.from([archive]));
  const { sequences, partitions } = await reader.header();
  const found: Record<string, unknown> = { sequences, partitions };
  for (let table = await reader.table(); table !== undefined; table = await reader.table()) {
    const key = `${table.schema}.${table.name}`;
    for await (const _ of reader.rows((end) => (found[key] = end)));
  }
  return found;
}

async function catalog(from: TestDatabase, connection: ConnectionOptions): Promise<unknown[]> {
  return await from.asAdminIn(
    connection.database,
    `select 'table' as what, c.oid::regclass::text as name, array[relkind::text, relrowsecurity::text, relforcerowsecurity::text,
       relacl::text] as more from pg_class c where relnamespace in ('shop'::regnamespace, 'other'::regnamespace)
     union all
     select contype::text, conrelid::regclass || '.' || conname, array[pg_get_constraintdef(oid)] from pg_constraint
     where connamespace = 'shop'::regnamespace and contype <> 'n'
     union all
     select 'trigger', tgrelid::regclass || '.' || tgname, array[tgenabled::text] from pg_trigger where not tgisinternal
     union all
     select 'policy', polrelid::regclass || '.' || polname, array[pg_get_expr(polqual, polrelid)] from pg_policy
     order by 1, 2`,
  );
}

describe('a drill', () => {
  test('restores rows, constraints and sequences from an export into an empty database', async () => {
    const original = await filled();
    const archive = await exported(original);
    const copy = await server.emptyDatabase();
    const steps: ArchiveProgress[] = [];
    const result = await importDatabase(copy, shop(first), Readable.from([archive]), {
      programVersion: '1.0.0',
      progress: (step) => steps.push(step),
    });
    expect(result).toMatchObject({ createdAt: '2026-03-04T05:06:07.000Z', programVersion: '1.0.0', rows: 4_008 });
    expect(steps.at(-1)).toMatchObject({ tablesTotal: result.tables });
    const again = await exported(copy);
    const expected = await contents(archive);
    // What the slice changes in a copy: its epoch.
    expect({ ...(await contents(again)), 'shop.settings': 0 }).toEqual({ ...expected, 'shop.settings': 0 });
    expect(await server.asAdminIn(copy.database, 'select epoch from shop.settings')).toEqual([{ epoch: 42 }]);
    expect(await catalog(server, copy)).toEqual(await catalog(server, original));
    // Sequences continue at their values.
    const database = openDatabase(copy);
    const inserted = await database.statement(
      { mode: 'write', scope: { project: ALPHA } },
      `insert into shop."Order" (project_id, customer) values ($1, 1) returning id`,
      [ALPHA],
    );
    expect(inserted).toEqual([{ id: 2_003 }]);
    expect(await server.asAdminIn(copy.database, `select nextval('shop.number') as n`)).toEqual([{ n: '13' }]);
    expect(await migrate(copy, shop(first), '1.0.0')).toEqual([]);
    await database.close();
  });

  test('migrates an older export and rejects a newer one', async () => {
    const archive = await exported(await filled());
    const copy = await server.emptyDatabase();
    await importDatabase(copy, shop(first, second), Readable.from([archive]), { programVersion: '1.1.0' });
    expect(await server.asAdminIn(copy.database, 'select * from shop.settings')).toEqual([
      { one: true, epoch: 42, later: null },
    ]);
    const newer = await exported(copy, shop(first, second));
    const refused = importDatabase(await server.emptyDatabase(), shop(first), Readable.from([newer]), {
      programVersion: '1.0.0',
    });
    await expect(refused).rejects.toMatchObject({ code: 'backup_invalid' });
    await expect(exported(copy, shop(first))).rejects.toMatchObject({ code: 'data_version' });
  });

  test('supports compression and nested streams', async () => {
    const original = await filled();
    const gzip = createGzip({ level: 1 });
    const packed = buffer(gzip);
    const end = await exportDatabase(original, shop(first), gzip, { programVersion: '1.0.0', clock });
    gzip.end();
    const bytes = await packed;
    expect(await verifyArchive(Readable.from([bytes]).pipe(createGunzip()))).toMatchObject(end);
    const cut = Readable.from([bytes.subarray(0, bytes.length - 100)]);
    await expect(verifyArchive(cut.pipe(createGunzip()))).rejects.toMatchObject({ code: 'backup_invalid' });
  });

  const debian15 = '/usr/lib/postgresql/15/bin';
  test.runIf(existsSync(debian15))('moves data between major versions', async () => {
    const older = await startTestDatabase([], { postgresBin: debian15 });
    try {
      const archive = await exported(await filled());
      const there = await older.emptyDatabase();
      await importDatabase(there, shop(first), Readable.from([archive]), { programVersion: '1.0.0' });
      const back = await server.emptyDatabase();
      const second = await exported(there);
      await importDatabase(back, shop(first), Readable.from([second]), { programVersion: '1.0.0' });
      const expected = { ...(await contents(archive)), 'shop.settings': 0 };
      expect({ ...(await contents(await exported(back))), 'shop.settings': 0 }).toEqual(expected);
    } finally {
      await older.stop();
    }
  });
});

describe('the database is unchanged when', () => {
  let archive: Buffer;
  beforeAll(async () => {
    archive = await exported(await filled());
  });

  async function importInto(target: ConnectionOptions, source: Buffer): Promise<string> {
    try {
      await importDatabase(target, shop(first), Readable.from([source]), { programVersion: '1.0.0' });
      return 'imported';
    } catch (error) {
      return `${(error as { code?: string }).code}: ${error instanceof Error ? error.message : ''}`;
    }
  }

  async function schemas(target: ConnectionOptions): Promise<unknown[]> {
    return await server.asAdminIn(
      target.database,
      `select nspname from pg_namespace where nspname in ('dais', 'shop', 'other')`,
    );
  }

  test('the target is not empty', async () => {
    const target = await server.emptyDatabase();
    await migrate(target, shop(first), '1.0.0');
    expect(await importInto(target, archive)).toMatch(/^invalid_state: .*schema (dais|shop|other)/);
  });

  test('the file is truncated or damaged', async () => {
    const target = await server.emptyDatabase();
    for (const part of [0, 0.001, 0.2, 0.5, 0.9, 0.9999]) {
      const at = Math.floor(archive.length * part);
      expect(await importInto(target, archive.subarray(0, at))).toMatch(/^backup_invalid: /);
      const flipped = Buffer.from(archive);
      flipped[at]! ^= 4;
      expect(await importInto(target, flipped)).toMatch(/^backup_invalid: /);
      expect(await schemas(target)).toEqual([]);
    }
    expect(await importInto(target, archive)).toBe('imported');
  });

  test('the source fails during the import', async () => {
    const target = await server.emptyDatabase();
    const failing = new Readable({
      read() {
        this.push(archive.subarray(0, 50_000));
        this.destroy(new Error('the network is gone'));
      },
    });
    const importing = importDatabase(target, shop(first), failing, { programVersion: '1.0.0' });
    await expect(importing).rejects.toMatchObject({ code: 'backup_invalid' });
    expect(await schemas(target)).toEqual([]);
  });

  test('the sink of an export fails', async () => {
    const original = await filled();
    const full = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
      },
    });
    await expect(exportDatabase(original, shop(first), full, { programVersion: '1.0.0', clock })).rejects.toMatchObject(
      { code: 'ENOSPC' },
    );
    expect(
      await server.asAdmin(`select count(*)::int as n from pg_stat_activity where application_name = 'dais export'`),
    ).toEqual([{ n: 0 }]);
  });

  test('there is no data to export', async () => {
    await expect(exported(await server.emptyDatabase())).rejects.toMatchObject({ code: 'invalid_state' });
  });
});
