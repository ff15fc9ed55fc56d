/** The schema of a running installation and its sizes, without any content. */
import { readServerFile } from '#supervisor/server-file.ts';
import { databaseEngines } from '#compose.ts';
import { openDatabase } from '#compose/database.ts';
import type { ResolvedConfig } from '#config-load.ts';

export interface SchemaCheck {
  readonly bytes: number;
  readonly migrations: readonly { readonly slice: string; readonly id: string; readonly programVersion: string }[];
  /** Largest first, with indexes. */
  readonly tables: readonly { readonly table: string; readonly bytes: number; readonly rows: number }[];
}

/** Undefined if no server runs here. @throws the errors of the database. */
export async function checkSchema(config: ResolvedConfig): Promise<SchemaCheck | undefined> {
  const { url } = config.database;
  const running = await readServerFile(config.data);
  const own = url === undefined ? undefined : await (await databaseEngines.postgres({ url })).start();
  const connection = own?.connection ?? running?.database;
  if (connection === undefined) return undefined;
  const database = await openDatabase(connection, { applicationName: 'dais support-bundle' });
  try {
    return await database.transaction({ mode: 'read', scope: 'all' }, async (sql) => {
      const [size] = await sql.query<{ bytes: string }>(
        `select pg_database_size(current_database())::text as bytes`,
        [],
        'size',
      );
      const migrations = await sql.query<SchemaCheck['migrations'][number]>(
        `select slice, id, program_version as "programVersion" from dais.migration order by slice, id`,
        [],
        'migrations',
      );
      const tables = await sql.query<{ table: string; bytes: string; rows: string }>(
        `select n.nspname || '.' || c.relname as "table", pg_total_relation_size(c.oid)::text as bytes,
           greatest(c.reltuples, 0)::bigint::text as rows
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
         order by pg_total_relation_size(c.oid) desc limit 200`,
        [],
        'table_sizes',
      );
      return {
        bytes: Number(size?.bytes ?? 0),
        migrations,
        tables: tables.map(({ table, bytes, rows }) => ({ table, bytes: Number(bytes), rows: Number(rows) })),
      };
    });
  } finally {
    await database.close();
    await own?.stop();
  }
}
