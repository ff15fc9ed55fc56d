/** Reads the tables of an export from the catalog of PostgreSQL. */
import type { ClientBase } from 'pg';
import { APP_ROLE } from '../roles.ts';
import type { ArchiveHeader } from './archive-format.ts';

/** Lists the tables with rows, including partitions, in a stable order that follows references where possible. */
export async function listTables(client: ClientBase, schemas: readonly string[]): Promise<ArchiveHeader['tables']> {
  const found = await client.query<{ schema: string; name: string; columns: string[] }>(
    `select n.nspname::text as schema, c.relname::text as name, array(
         select attname::text from pg_attribute
         where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = ''
         order by attnum) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname = any ($1)
     order by array_position($1::text[], n.nspname::text), c.oid`,
    [schemas],
  );
  return found.rows;
}

/** Parents before their partitions, so that they can be created in this order. */
export async function listPartitions(
  client: ClientBase,
  schemas: readonly string[],
): Promise<ArchiveHeader['partitions']> {
  const found = await client.query<ArchiveHeader['partitions'][number]>(
    `select n.nspname::text as schema, c.relname::text as name, array[pn.nspname, p.relname]::text[] as parent,
       pg_get_expr(c.relpartbound, c.oid) as bound,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as key,
       c.relforcerowsecurity as protected,
       array_to_string(array(
         select privilege from unnest(array['select', 'insert', 'update', 'delete']) as privilege
         where has_table_privilege('${APP_ROLE}', c.oid, privilege)), ', ') as privileges
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_inherits i on i.inhrelid = c.oid
     join pg_class p on p.oid = i.inhparent
     join pg_namespace pn on pn.oid = p.relnamespace
     where c.relispartition and n.nspname = any ($1) and c.relkind in ('r', 'p')
     order by (select count(*) from pg_partition_ancestors(c.oid)), c.oid`,
    [schemas],
  );
  return found.rows;
}

export async function listSequences(
  client: ClientBase,
  schemas: readonly string[],
): Promise<ArchiveHeader['sequences']> {
  const found = await client.query<{ schema: string; name: string; read: string }>(
    `select n.nspname::text as schema, c.relname::text as name,
       format('select last_value::text as last, is_called as called from %I.%I', n.nspname, c.relname) as read
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and n.nspname = any ($1) order by 1, 2`,
    [schemas],
  );
  const sequences: ArchiveHeader['sequences'] = [];
  for (const { schema, name, read } of found.rows) {
    const state = await client.query<{ last: string; called: boolean }>(read);
    sequences.push({ schema, name, ...state.rows[0]! });
  }
  return sequences;
}
