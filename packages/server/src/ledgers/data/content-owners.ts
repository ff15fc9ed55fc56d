import type { Sql } from '#engines/database/contract.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

/** Names the owners of content: datasets, and ingests by their dataset. */
export async function nameDataOwners(sql: Sql, references: readonly DamagedReference[]): Promise<readonly OwnerName[]> {
  const owners = [...new Set(references.map(({ owner }) => owner))];
  return await sql.query<OwnerName>(
    `select project_id as "projectId", content as owner, 'Dataset' as kind, name from data.dataset
       where content = any($1::uuid[])
     union all
     select i.project_id, i.id, 'dataset ingest', d.name from data.ingest i join data.dataset d on d.id = i.dataset
       where i.id = any($1::uuid[])`,
    [owners],
    'data_content_owners',
  );
}
