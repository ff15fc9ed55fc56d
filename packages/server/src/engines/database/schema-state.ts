import { baseSlice } from './base-slice.ts';
import type { Database, Slice } from './contract.ts';
import { planMigrations, type AppliedMigration } from './migration-plan.ts';

/**
 * Checks whether a running program still matches its database, which another one may have migrated. Returns the migrations that
 * are not applied (none, unless the database was replaced).
 * @throws DaisError `data_version` when the program is now older than the schema allows; `database_unavailable`.
 */
export async function schemaState(
  database: Database,
  slices: readonly Slice[],
  programVersion: string,
): Promise<readonly string[]> {
  const applied = await database.transaction({ mode: 'read', scope: 'all' }, (sql) =>
    sql.query<AppliedMigration>(
      `select slice, id, checksum, minimum_version as "minimumVersion" from dais.migration order by slice, id`,
      [],
      'schema_state',
    ),
  );
  return planMigrations([baseSlice, ...slices], applied, programVersion).map(
    ({ schema, migration }) => `${schema}/${migration.id}`,
  );
}
