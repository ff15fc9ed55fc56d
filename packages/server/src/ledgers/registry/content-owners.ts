import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Most versions named for one page of files. */
const MOST = 1000;

/** Names the versions of models whose files are artifacts. */
export async function nameModelOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  // The owner of artifacts is the project.
  const files = references.filter(({ owner, projectId }) => owner === projectId);
  if (files.length === 0) return [];
  return await sql.query<OwnerName>(
    `select v.project_id as "projectId", v.project_id as owner, f.name as file, 'Model' as kind,
       m.name || '/' || v.version as name
     from unnest($1::uuid[], $2::text[]) as f (project_id, name)
     join registry.version v on v.project_id = f.project_id
       and starts_with(f.name, regexp_replace(v.artifact_uri, '^[a-z-]+:/*|/+$', '', 'g') || '/')
     join registry.model m on m.id = v.model limit ${MOST}`,
    [files.map(({ projectId }) => projectId), files.map(({ name }) => name)],
    'model_content_owners',
  );
}
