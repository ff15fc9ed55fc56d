import type { ClientBase } from 'pg';
import type { AppliedMigration } from './migration-plan.ts';

/** Returns the migrations applied to this database; empty for a database that Dais has never used. */
export async function readApplied(client: ClientBase): Promise<AppliedMigration[]> {
  // Not to_regclass: its cache may miss a table that another starter has just committed.
  const exists = await client.query<{ there: boolean }>(
    `select exists (select from pg_class where relname = 'migration' and relnamespace =
       (select oid from pg_namespace where nspname = 'dais')) as there`,
  );
  if (exists.rows[0]?.there !== true) return [];
  const found = await client.query<AppliedMigration>(
    `select slice, id, checksum, minimum_version as "minimumVersion" from dais.migration order by slice, id`,
  );
  return found.rows;
}
