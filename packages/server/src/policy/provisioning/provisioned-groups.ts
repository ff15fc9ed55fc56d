/** Rows of `policy.provisioned_group` and their members. */
import type { ProvisionedGroup } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { composeStatement } from '#lib/composed-sql.ts';
import { filterCondition, type FilterTable } from './filter-sql.ts';
import type { ProvisionedPage } from './provisioned-users.ts';

export interface ProvisionedGroupRow {
  readonly id: string;
  readonly provider: string;
  readonly display_name: string;
  readonly external_id: string | null;
  readonly version: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly member_count: number;
}

const COLUMNS = `g.id, g.provider, g.display_name, g.external_id, g.version, g.created_at, g.updated_at,
  (select count(*)::int from policy.provisioned_member where group_id = g.id) as member_count`;

const table: FilterTable = {
  schema: 'urn:ietf:params:scim:schemas:core:2.0:group',
  columns: {
    id: { type: 'exact', sql: 'g.id::text' },
    displayname: { type: 'text', sql: 'g.display_name' },
    externalid: { type: 'exact', sql: 'g.external_id' },
    'meta.created': { type: 'time', sql: 'g.created_at' },
    'meta.lastmodified': { type: 'time', sql: 'g.updated_at' },
  },
  lists: {
    members: {
      from: '(select user_id from policy.provisioned_member where group_id = g.id) m',
      columns: {
        value: { type: 'exact', sql: 'm.user_id::text' },
      },
    },
  },
};

/** Rows in the order of their creation, and the number of all that match. */
export async function listProvisionedGroups(
  sql: Sql,
  { provider, filter, startIndex, count }: ProvisionedPage,
): Promise<{ readonly rows: readonly ProvisionedGroupRow[]; readonly total: number }> {
  const all = composeStatement(
    (bind) =>
      `select count(*)::int as total from policy.provisioned_group g where g.provider = $1 and (${filterCondition(filter, table, bind)})`,
    [provider],
  );
  const [sum] = await sql.query<{ total: number }>(all.text, all.values);
  const total = sum?.total ?? 0;
  if (count === 0 || startIndex > total) return { rows: [], total };
  const page = composeStatement(
    (bind) =>
      `select ${COLUMNS} from policy.provisioned_group g where g.provider = $1 and (${filterCondition(filter, table, bind)})
       order by g.id limit $2 offset $3`,
    [provider, count, startIndex - 1],
  );
  return { rows: await sql.query<ProvisionedGroupRow>(page.text, page.values), total };
}

export async function readProvisionedGroup(
  sql: Sql,
  provider: string,
  id: string,
): Promise<ProvisionedGroupRow | undefined> {
  const [row] = await sql.query<ProvisionedGroupRow>(
    `select ${COLUMNS} from policy.provisioned_group g where g.provider = $1 and g.id = $2`,
    [provider, id],
    'read_provisioned_group',
  );
  return row;
}

/** Returns the group with this name at the provider, in any case. */
export async function findProvisionedGroup(sql: Sql, provider: string, name: string): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    'select id from policy.provisioned_group where provider = $1 and lower(display_name) = lower($2)',
    [provider, name],
    'find_provisioned_group',
  );
  return row?.id;
}

export async function insertProvisionedGroup(
  sql: Sql,
  group: Pick<ProvisionedGroupRow, 'id' | 'provider' | 'display_name' | 'external_id'>,
): Promise<void> {
  await sql.query(
    'insert into policy.provisioned_group (id, provider, display_name, external_id) values ($1, $2, $3, $4)',
    [group.id, group.provider, group.display_name, group.external_id],
    'insert_provisioned_group',
  );
}

export async function updateProvisionedGroup(
  sql: Sql,
  group: Pick<ProvisionedGroupRow, 'id' | 'display_name' | 'external_id'>,
): Promise<void> {
  await sql.query(
    `update policy.provisioned_group set display_name = $2, external_id = $3, version = version + 1,
       updated_at = clock_timestamp() where id = $1`,
    [group.id, group.display_name, group.external_id],
    'update_provisioned_group',
  );
}

export async function deleteProvisionedGroup(sql: Sql, id: string): Promise<void> {
  await sql.query('delete from policy.provisioned_group where id = $1', [id], 'delete_provisioned_group');
}

/** A member of a group. */
export interface MemberRow {
  readonly id: string;
  readonly user_name: string;
  /** Name of the User. */
  readonly account: string;
}

export async function readMembers(sql: Sql, groupId: string): Promise<readonly MemberRow[]> {
  return await sql.query<MemberRow>(
    `select u.id, u.user_name, u.account from policy.provisioned_member m
     join policy.provisioned_user u on u.id = m.user_id where m.group_id = $1 order by u.id`,
    [groupId],
    'read_members',
  );
}

/** Returns those of the ids that are users of the provider. */
export async function readUsersNamed(
  sql: Sql,
  provider: string,
  ids: readonly string[],
): Promise<readonly MemberRow[]> {
  return await sql.query<MemberRow>(
    'select id, user_name, account from policy.provisioned_user where provider = $1 and id = any($2::uuid[])',
    [provider, ids],
    'read_users_named',
  );
}

export async function addMembers(sql: Sql, groupId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql.query(
    'insert into policy.provisioned_member (group_id, user_id) select $1, unnest($2::uuid[]) on conflict do nothing',
    [groupId, ids],
    'add_members',
  );
}

export async function removeMembers(sql: Sql, groupId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql.query(
    'delete from policy.provisioned_member where group_id = $1 and user_id = any($2::uuid[])',
    [groupId, ids],
    'remove_members',
  );
}

export function presentGroup(row: ProvisionedGroupRow, members?: readonly MemberRow[]): ProvisionedGroup {
  const { id, provider, external_id: externalId } = row;
  return {
    id,
    provider,
    version: String(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    displayName: row.display_name,
    ...(externalId !== null && { externalId }),
    memberCount: row.member_count,
    ...(members !== undefined && {
      members: members.map((one) => ({ id: one.id, userName: one.user_name })),
    }),
  };
}
