import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Names jobs by kind, model and version. */
export async function nameModelJobOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'job' as kind,
       kind || ' of ' || model_name || '/' || version || ' (' || id || ')' as name
     from model_jobs.job where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'model_job_content_owners',
  );
}
