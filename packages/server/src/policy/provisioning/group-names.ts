import type { Sql } from '#engines/database/contract.ts';

export interface ProvisionedGroups {
  readonly provider: string;
  /** Names of the groups of the user. */
  readonly groups: readonly string[];
  /** The provider provisions groups, so groups in its sign-ins do not count. */
  readonly authoritative: boolean;
}

/** Returns undefined for a user whom no provider provisions. */
export async function provisionedGroups(sql: Sql, userUid: string): Promise<ProvisionedGroups | undefined> {
  const [row] = await sql.query<{ provider: string; groups: string[]; authoritative: boolean }>(
    `select u.provider,
       coalesce((select array_agg(g.display_name) from policy.provisioned_member m
         join policy.provisioned_group g on g.id = m.group_id where m.user_id = u.id), '{}') as groups,
       exists (select 1 from policy.provisioned_group g where g.provider = u.provider) as authoritative
     from policy.provisioned_user u where u.user_uid = $1`,
    [userUid],
    'provisioned_groups',
  );
  return row;
}
