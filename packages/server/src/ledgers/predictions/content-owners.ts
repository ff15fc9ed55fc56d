import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Names the endpoints of prediction files. */
export async function namePredictionOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'predictions' as kind, name
     from predictions.file where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'prediction_content_owners',
  );
}
