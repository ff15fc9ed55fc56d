import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Names multipart uploads by the artifact that they create. */
export async function nameUploadOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'artifact upload' as kind, path as name
     from tracking.artifact_upload where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'upload_content_owners',
  );
}
