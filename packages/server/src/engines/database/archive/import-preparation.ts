/**
 * Prepares the tables of a new schema for COPY, and restores their constraints afterwards, in one transaction as the owner:
 *
 * - foreign keys are dropped and recreated: rows may be in any order, with cycles, and adding the key checks all rows with
 *   one join, while checks per row would stay in the server's memory until the end;
 * - FORCE ROW LEVEL SECURITY rejects COPY FROM;
 * - triggers of a slice already ran when the rows were first written;
 * - partitions that Dais created at run time are created again.
 */
import type { ClientBase } from 'pg';
import { quoteIdentifier } from '../roles.ts';
import type { ArchiveHeader } from './archive-format.ts';
import { listPartitions } from './archive-tables.ts';

/** Statements that undo the preparation, in order. */
export type Restoration = readonly string[];

export async function prepareForImport(
  client: ClientBase,
  schemas: readonly string[],
  header: ArchiveHeader,
): Promise<Restoration> {
  await matchPartitions(client, schemas, header.partitions);
  const restoration = [
    ...(await alter(client, FORCED_TABLES, schemas)),
    ...(await alter(client, TRIGGERS, schemas)),
    ...(await alter(client, FOREIGN_KEYS, schemas)),
  ];
  const tables = header.tables.map(({ schema, name }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`);
  // Rows that migrations insert are in the export too.
  if (tables.length > 0) await client.query(`truncate ${tables.join(', ')}`);
  return restoration;
}

async function alter(client: ClientBase, query: string, schemas: readonly string[]): Promise<string[]> {
  const found = await client.query<{ away: string; back: string }>(query, [schemas]);
  for (const { away } of found.rows) await client.query(away);
  return found.rows.map((row) => row.back);
}

const FORCED_TABLES = `
  select format('alter table %s no force row level security', c.oid::regclass) as away,
    format('alter table %s force row level security', c.oid::regclass) as back
  from pg_class c where c.relforcerowsecurity and c.relnamespace = any (select oid from pg_namespace where nspname = any ($1))`;

const TRIGGERS = `
  select format('alter table %s disable trigger %I', tgrelid::regclass, tgname) as away,
    format('alter table %s enable trigger %I', tgrelid::regclass, tgname) as back
  from pg_trigger t join pg_class c on c.oid = tgrelid
  where not tgisinternal and tgenabled = 'O' and tgparentid = 0
    and c.relnamespace = any (select oid from pg_namespace where nspname = any ($1))`;

/** Privileges of partitions follow those of their parent. */
const FOREIGN_KEYS = `
  select format('alter table %s drop constraint %I', conrelid::regclass, conname) as away,
    format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as back
  from pg_constraint
  where contype = 'f' and conparentid = 0
    and connamespace = any (select oid from pg_namespace where nspname = any ($1))
  order by conrelid, conname`;

async function matchPartitions(
  client: ClientBase,
  schemas: readonly string[],
  expected: ArchiveHeader['partitions'],
): Promise<void> {
  const identify = (part: ArchiveHeader['partitions'][number]): string =>
    JSON.stringify([part.schema, part.name, part.parent, part.bound, part.key]);
  const keep = new Set(expected.map(identify));
  const there = new Set<string>();
  for (const part of await listPartitions(client, schemas)) {
    if (keep.has(identify(part))) there.add(identify(part));
    // Partitions that the migrations created for the current months.
    else
      await client.query(`drop table if exists ${quoteIdentifier(part.schema)}.${quoteIdentifier(part.name)} cascade`);
  }
  for (const part of expected) {
    if (there.has(identify(part))) continue;
    const table = `${quoteIdentifier(part.schema)}.${quoteIdentifier(part.name)}`;
    const [parentSchema, parentName] = part.parent;
    const parent = `${quoteIdentifier(parentSchema)}.${quoteIdentifier(parentName)}`;
    const divided = part.key === null ? '' : ` partition by ${part.key}`;
    await client.query(`create table ${table} partition of ${parent} ${part.bound}${divided}`);
    if (part.protected) {
      await client.query(`select dais.protect($1::regclass, $2)`, [table, part.privileges]);
    }
  }
}
