import type { DatasetProfile } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';

export async function writeProfile({ sql, projectId }: Transaction, profile: DatasetProfile): Promise<void> {
  await sql.query(
    `insert into quality.profile (version, project_id, profile, created_at) values ($1, $2, $3, $4)
     on conflict (version) do update set profile = excluded.profile, created_at = excluded.created_at`,
    [profile.version, projectId, JSON.stringify(profile), profile.madeAt],
    'write_profile',
  );
}

/** Undefined if there is no profile yet. */
export async function readProfile(
  { sql, projectId }: Transaction,
  version: string,
): Promise<DatasetProfile | undefined> {
  const [row] = await sql.query<{ profile: DatasetProfile }>(
    'select profile from quality.profile where project_id = $1 and version = $2',
    [projectId, version],
    'read_profile',
  );
  return row?.profile;
}
