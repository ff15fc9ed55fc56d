/**
 * Released migrations never change, their data survives every later version, and incompatible versions are rejected.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionOptions, Slice } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { migrate } from '#engines/database/migrate.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { manifest, startTestKernel } from '#kernel/testing/test-kernel.ts';
import { silentLog } from '#lib/log.ts';
import { loadConfig } from '#config-load.ts';
import { Control } from '#control/control.ts';
import {
  installSchemas,
  migrationsOf,
  openProgram,
  readReleases,
  readRows,
  slicesOf,
  TABLES_QUERY,
  type Program,
  type ReleasedRows,
} from '#testing/releases.ts';
import { programVersion } from '#version.ts';

const releases = Object.entries(readReleases());

/**
 * Columns that a later version removed or rewrote in a migration, as `schema.table.column`, or whole tables as
 * `schema.table`. Each line is an intended incompatibility, with its version and reason.
 */
const CHANGED: readonly string[] = [];

let server: TestDatabase;
let program: Program;
let base: string;
beforeAll(async () => {
  [server, program, base] = await Promise.all([
    startTestDatabase([]),
    openProgram(),
    mkdtemp(join(tmpdir(), 'dais-releases-')),
  ]);
});
afterAll(async () => {
  await server.stop();
  await program.close();
  await rm(base, { recursive: true });
});

const inDatabase = async (connection: ConnectionOptions, sql: string) =>
  await server.asAdminIn(connection.database, sql);
const quoted = (json: unknown): string => `'${JSON.stringify(json).replaceAll("'", "''")}'`;

/** Rows as the release wrote them, into its schemas. */
async function fill(connection: ConnectionOptions, rows: ReleasedRows): Promise<void> {
  const tables = Object.keys(rows);
  const generated = await inDatabase(
    connection,
    `select attrelid::regclass::text || '.' || attname as name from pg_attribute where attgenerated <> ''`,
  );
  const computed = new Set(generated.map(({ name }) => name));
  const inserts = tables.map((table) => {
    const columns = Object.keys(rows[table]?.[0] ?? {}).filter((column) => !computed.has(`${table}.${column}`));
    const names = columns.map((column) => `"${column}"`).join(', ');
    return `insert into ${table} (${names}) overriding system value
      select ${names} from json_populate_recordset(null::${table}, ${quoted(rows[table])})`;
  });
  // They come in any order, and what triggers would do was done.
  await inDatabase(
    connection,
    `begin; set local session_replication_role = replica; truncate ${tables.join(', ')}; ${inserts.join('; ')};
     select setval('kernel.version', (select max(version) from kernel.resource));
     select setval(pg_get_serial_sequence('kernel.event', 'id'), (select max(id) from kernel.event)); commit`,
  );
}

/** Rows of a table that are no longer there as they were. */
async function lost(connection: ConnectionOptions, table: string, rows: readonly object[]): Promise<object[]> {
  if (CHANGED.includes(table)) return [];
  const kept = rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([column]) => !CHANGED.includes(`${table}.${column}`))),
  );
  return await inDatabase(
    connection,
    `select wanted from jsonb_array_elements(${quoted(kept)}::jsonb) as w (wanted)
     where not exists (select from ${table} t where to_jsonb(t) @> wanted)`,
  );
}

// A released migration is never edited, renamed or moved: a new one is added after the last.
test.each(releases)('every migration of %s exists in the program, unchanged and in order', (_, released) => {
  const today = migrationsOf(program.slices);
  for (const slice of new Set(released.map((one) => one.slice))) {
    const [was, is] = [released, today].map((list) => list.filter((one) => one.slice === slice));
    expect(is!.slice(0, was!.length)).toEqual(was);
  }
});

// A new migration requires a new version: increase it in the package.json files.
// packages/server/src/testing/write-release.ts rewrites a version that CHANGELOG.md lists as not yet released.
test('a version that is released has all migrations of the program', () => {
  const today = migrationsOf(program.slices);
  expect(Object.fromEntries(releases)[programVersion()] ?? today).toEqual(today);
});

describe.each(releases)('data of %s', (version, released) => {
  test('is there for every table that the version had', async () => {
    const connection = await server.emptyDatabase();
    await installSchemas(connection, slicesOf(released, program.slices), version);
    const tables = (await inDatabase(connection, TABLES_QUERY(program.slices))).map(({ name }) => name);
    const rows = readRows(version);
    expect(Object.keys(rows).filter((table) => rows[table]!.length > 0)).toEqual(tables);
  });

  test('survives the migrations since, and the kernel of today works on it', async () => {
    const connection = await server.emptyDatabase();
    const then = slicesOf(released, program.slices);
    const rows = readRows(version);
    await installSchemas(connection, then, version);
    await fill(connection, rows);
    const applied = await migrate(connection, program.slices.slice(1), programVersion());
    const known = new Set(released.map(({ slice, id }) => `${slice}/${id}`));
    const all = migrationsOf(program.slices).map(({ slice, id }) => `${slice}/${id}`);
    expect(applied).toEqual(all.filter((name) => !known.has(name)));
    for (const [table, expected] of Object.entries(rows)) {
      expect({ table, lost: await lost(connection, table, expected) }).toEqual({ table, lost: [] });
    }
    expect(await lost(connection, 'kernel.tenant', [{ name: 'flights' }, { name: 'nobody' }])).toHaveLength(1);

    const database = openDatabase(connection, {});
    const kernel = await startTestKernel(server, { ...program, database });
    try {
      const context = { projects: ['flights'] };
      const names = async (operation: string) => {
        const { items } = await kernel.call<{ items: { metadata: { name: string } }[] }>(operation, {}, context);
        return items.map(({ metadata }) => metadata.name);
      };
      expect(await names('project.list')).toEqual(['default', 'flights']);
      expect(await names('alertChannel.list')).toEqual(['operators']);
      expect(await kernel.call('alertChannel.history', { name: 'operators' }, context)).toMatchObject({
        items: [{ generation: 2 }, { generation: 1 }],
      });
      // Sealed values can be opened and their prints compared: the same value is no change, another is.
      const plan = async (value: string) => {
        const secret = manifest('Secret', 'hook', { data: { key: value } }, { project: 'flights' });
        return (await kernel.plan([secret])).map(({ action }) => action);
      };
      expect([await plan('a-signing-key'), await plan('another')]).toEqual([['unchanged'], ['update']]);
      await kernel.apply([manifest('Project', 'new', {})]);
      expect(await names('project.list')).toEqual(['default', 'flights', 'new']);
    } finally {
      await kernel.stop();
      await database.close();
    }
  });
});

describe('programs of two versions on one database', () => {
  const VERSION = '7.3.0';
  /** The database as a version after `VERSION` left it: with one migration more. */
  async function migrated(minimumVersion?: string): Promise<ConnectionOptions> {
    const connection = await server.emptyDatabase();
    const [kernel, ...others] = program.slices.slice(1) as [Slice, ...Slice[]];
    const more = {
      id: `${String(kernel.migrations.length + 1).padStart(4, '0')}-of-the-next-version`,
      sql: 'alter table kernel.tenant add column color text',
      ...(minimumVersion !== undefined && { minimumVersion }),
    };
    const next = [{ ...kernel, migrations: [...kernel.migrations, more] }, ...others];
    await migrate(connection, next, minimumVersion ?? '7.4.0');
    return connection;
  }

  /** Starts the program of today as if it were `VERSION`, and drains it. */
  async function start(connection: ConnectionOptions): Promise<string> {
    const flags = { data: join(base, 'data'), 'keys.type': 'file', 'keys.folder': join(base, 'keys') };
    const setup = {
      config: await loadConfig({ flags }),
      connection,
      database: { engine: 'postgres', version: '17' },
      port: 0,
      ownerToken: 'token',
      version: VERSION,
      startedAt: new Date(0).toISOString(),
    };
    try {
      await (
        await Control.start(setup, { log: silentLog, onPhase: () => {}, want: () => {}, post: () => {} })
      ).drain(1000);
      return 'started';
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      return `${code}: ${message}`;
    }
  }

  test('the version before runs on the schema after, which only adds', async () => {
    expect(await start(await migrated())).toBe('started');
  });

  test('a program that is not older than the newest minimum runs', async () => {
    expect(await start(await migrated(VERSION))).toBe('started');
    expect(await start(await migrated('7.2.9'))).toBe('started');
  });

  test('an older version is rejected with the required version, and nothing changes', async () => {
    const connection = await migrated('7.3.1');
    const state = async () =>
      await inDatabase(
        connection,
        `select (select json_agg(m) from dais.migration m) as migrations, (select count(*)::int from kernel.resource) as resources,
           (select count(*)::int from kernel.job) as jobs`,
      );
    const before = await state();
    const answer = await start(connection);
    expect(answer).toMatch(/^data_version: .*7\.3\.1/);
    expect(answer).toContain(VERSION);
    expect(await state()).toEqual(before);
  });
});
