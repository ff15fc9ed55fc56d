import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Names pipeline runs and jobs. */
export async function nameRunOwners(sql: Sql, references: readonly DamagedReference[]): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'run' as kind, name || ' (' || id || ')' as name
     from executions.run where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'run_content_owners',
  );
}
