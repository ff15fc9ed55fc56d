import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import type { Slice } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';

/**
 * Slices without records to remove: audit entries and usage records outlive a project; tracked runs and executions refuse its deletion, as
 * their own tests show; the others' records are deleted with the resource, dataset version or run that must be deleted first.
 */
const OTHERS = new Set([
  'dais',
  'kernel',
  'audit',
  'tracking',
  'executions',
  'alert_channel',
  'comments',
  'data',
  'online',
  'quality',
  'registry',
  'secret',
  'usage',
]);

/** One value for each type, so that rows of different tables refer to each other as their foreign keys demand. */
const VALUES: Readonly<Record<string, string>> = {
  uuid: "'11111111-1111-4111-8111-111111111111'",
  text: "'x'",
  bytea: "'\\x01'",
  bool: 'false',
  int2: '1',
  int4: '1',
  int8: '1',
  float4: '1',
  float8: '1',
  numeric: '1',
  jsonb: "'{}'",
  json: "'{}'",
  timestamptz: "'2026-01-01T00:00:00Z'",
  interval: "'1 day'",
  date: "'2026-01-01'",
};

interface ColumnRow {
  readonly table: string;
  readonly column: string;
  readonly type: string;
}

let database: TestDatabase;
let dais: TestKernel;
let slices: readonly Slice[];
beforeAll(async () => {
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const { kinds, entries } = await loadKinds({ keys, outbound, clock: systemClock });
  slices = await loadSlices(kinds);
  database = await startTestDatabase(slices);
  dais = await startTestKernel(database, { kinds, entries, start: 'none' });
});
afterAll(async () => {
  await dais.stop();
  await database.stop();
});

/** The position in a segment, which contains predictions of many projects, belongs to the organization. */
const OF_ORGANIZATION = new Set(['predictions.segment']);

/** Columns of every table of a project, without computed ones. */
async function projectColumns(): Promise<ReadonlyMap<string, readonly ColumnRow[]>> {
  const schemas = slices.map(({ schema }) => schema).filter((schema) => !OTHERS.has(schema));
  const rows = (await database.asAdmin(
    `select n.nspname || '.' || c.relname as table, a.attname as column, t.typname as type
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_type t on t.oid = a.atttypid
     where a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
       and c.relkind in ('r', 'p') and not c.relispartition and n.nspname in (${schemas.map((one) => `'${one}'`).join()})
       and exists (select from pg_attribute p where p.attrelid = c.oid and p.attname = 'project_id' and not p.attisdropped)
     order by 1, a.attnum`,
  )) as unknown as ColumnRow[];
  const tables = new Map<string, ColumnRow[]>();
  for (const row of rows.filter(({ table }) => !OF_ORGANIZATION.has(table)))
    tables.set(row.table, [...(tables.get(row.table) ?? []), row]);
  return tables;
}

test('deleting a project deletes its rows in every table', async () => {
  const { metadata } = await dais.call('project.create', { manifest: manifest('Project', 'ended') });
  const tables = await projectColumns();
  expect(tables.size).toBeGreaterThan(25);
  const valueOf = ({ column, type }: ColumnRow) =>
    column === 'project_id' ? `'${metadata.uid}'` : type.startsWith('_') ? "'{}'" : (VALUES[type] ?? 'null');
  // Check constraints are not relevant here: the test covers only the deletion of rows.
  const inserts = [...tables].map(
    ([table, columns]) =>
      `insert into ${table} (${columns.map(({ column }) => `"${column}"`).join()}) values (${columns.map(valueOf).join()});`,
  );
  await database.asAdmin(
    `do $$ declare c record; begin
       for c in select conrelid::regclass as at, conname from pg_constraint where contype = 'c' and conislocal
           and connamespace::regnamespace::text <> all ('{pg_catalog,information_schema}') loop
         execute format('alter table %s drop constraint if exists %I', c.at, c.conname);
       end loop; end $$;
     set session_replication_role = replica; ${inserts.join('\n')} set session_replication_role = origin;`,
  );
  const left = async () => {
    const counts = [...tables.keys()].map(
      (table) => `select '${table}' as table, count(*)::int as n from ${table} where project_id = '${metadata.uid}'`,
    );
    const rows = await database.asAdmin(counts.join(' union all '));
    return rows.flatMap(({ table, n }) => (n === 0 ? [] : String(table)));
  };
  expect(await left()).toHaveLength(tables.size);

  await dais.call('project.delete', { name: 'ended' });

  expect(await left()).toEqual([]);
});
