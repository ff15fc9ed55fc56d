/** Rows of `policy.provisioned_user`: users as their identity provider describes them. */
import type { ProvisionedUser } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { composeStatement } from '#lib/composed-sql.ts';
import { filterCondition, type FilterTable } from './filter-sql.ts';

export interface ProvisionedUserRow {
  readonly id: string;
  readonly provider: string;
  readonly user_uid: string;
  /** Name of the User. */
  readonly account: string;
  readonly user_name: string;
  readonly external_id: string | null;
  readonly active: boolean;
  readonly attributes: UserAttributes;
  readonly version: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** What the provider sends in addition to the columns. */
export type UserAttributes = Partial<
  Pick<
    ProvisionedUser,
    'displayName' | 'name' | 'title' | 'userType' | 'preferredLanguage' | 'locale' | 'timezone' | 'emails'
  >
>;

const COLUMNS =
  'id, provider, user_uid, account, user_name, external_id, active, attributes, version, created_at, updated_at';

const attribute = (name: string) => ({ type: 'text', sql: `u.attributes->>'${name}'` }) as const;
const namePart = (name: string) => ({ type: 'text', sql: `u.attributes->'name'->>'${name}'` }) as const;

const table: FilterTable = {
  schema: 'urn:ietf:params:scim:schemas:core:2.0:user',
  columns: {
    id: { type: 'exact', sql: 'u.id::text' },
    username: { type: 'text', sql: 'u.user_name' },
    externalid: { type: 'exact', sql: 'u.external_id' },
    active: { type: 'boolean', sql: 'u.active' },
    displayname: attribute('displayName'),
    title: attribute('title'),
    usertype: attribute('userType'),
    preferredlanguage: attribute('preferredLanguage'),
    locale: attribute('locale'),
    timezone: attribute('timezone'),
    'name.formatted': namePart('formatted'),
    'name.familyname': namePart('familyName'),
    'name.givenname': namePart('givenName'),
    'name.middlename': namePart('middleName'),
    'name.honorificprefix': namePart('honorificPrefix'),
    'name.honorificsuffix': namePart('honorificSuffix'),
    'meta.created': { type: 'time', sql: 'u.created_at' },
    'meta.lastmodified': { type: 'time', sql: 'u.updated_at' },
  },
  lists: {
    emails: {
      from: "jsonb_array_elements(coalesce(u.attributes->'emails', '[]')) e",
      columns: {
        value: { type: 'text', sql: "e->>'value'" },
        type: { type: 'text', sql: "e->>'type'" },
        display: { type: 'text', sql: "e->>'display'" },
        primary: { type: 'boolean', sql: "(e->>'primary')::boolean" },
      },
    },
    groups: {
      from: 'policy.provisioned_member m join policy.provisioned_group g on g.id = m.group_id and m.user_id = u.id',
      columns: {
        value: { type: 'exact', sql: 'g.id::text' },
        display: { type: 'text', sql: 'g.display_name' },
      },
    },
  },
};

export interface ProvisionedPage {
  readonly provider: string;
  readonly filter?: string | undefined;
  /** From 1. */
  readonly startIndex: number;
  readonly count: number;
}

/** Rows in the order of their creation, and the number of all that match. */
export async function listProvisionedUsers(
  sql: Sql,
  { provider, filter, startIndex, count }: ProvisionedPage,
): Promise<{ readonly rows: readonly ProvisionedUserRow[]; readonly total: number }> {
  const all = composeStatement(
    (bind) =>
      `select count(*)::int as total from policy.provisioned_user u where u.provider = $1 and (${filterCondition(filter, table, bind)})`,
    [provider],
  );
  const [sum] = await sql.query<{ total: number }>(all.text, all.values);
  const total = sum?.total ?? 0;
  if (count === 0 || startIndex > total) return { rows: [], total };
  const page = composeStatement(
    (bind) =>
      `select ${COLUMNS} from policy.provisioned_user u where u.provider = $1 and (${filterCondition(filter, table, bind)})
       order by u.id limit $2 offset $3`,
    [provider, count, startIndex - 1],
  );
  return { rows: await sql.query<ProvisionedUserRow>(page.text, page.values), total };
}

export async function readProvisionedUser(
  sql: Sql,
  provider: string,
  id: string,
): Promise<ProvisionedUserRow | undefined> {
  const [row] = await sql.query<ProvisionedUserRow>(
    `select ${COLUMNS} from policy.provisioned_user where provider = $1 and id = $2`,
    [provider, id],
    'read_provisioned_user',
  );
  return row;
}

/** Returns the user with this name at the provider, in any case. */
export async function findProvisionedName(sql: Sql, provider: string, userName: string): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>(
    'select id from policy.provisioned_user where provider = $1 and lower(user_name) = lower($2)',
    [provider, userName],
    'find_provisioned_name',
  );
  return row?.id;
}

/** Returns the uid of the User with this attribute at the provider; undefined if there is none, or more than one. */
export async function findProvisionedUid(
  sql: Sql,
  provider: string,
  attribute: 'userName' | 'externalId',
  value: string,
): Promise<string | undefined> {
  const rows = await sql.query<{ user_uid: string }>(
    `select user_uid from policy.provisioned_user
     where provider = $1 and case when $2 = 'userName' then lower(user_name) = lower($3) else external_id = $3 end limit 2`,
    [provider, attribute, value],
    'find_provisioned_uid',
  );
  return rows.length === 1 ? rows[0]?.user_uid : undefined;
}

/** Returns the provider that provisions a User. */
export async function providerOfUser(sql: Sql, userUid: string): Promise<string | undefined> {
  const [row] = await sql.query<{ provider: string }>(
    'select provider from policy.provisioned_user where user_uid = $1',
    [userUid],
    'provider_of_user',
  );
  return row?.provider;
}

export type NewProvisionedUser = Pick<
  ProvisionedUserRow,
  'id' | 'provider' | 'user_uid' | 'account' | 'user_name' | 'external_id' | 'active' | 'attributes'
>;

export async function insertProvisionedUser(sql: Sql, user: NewProvisionedUser): Promise<void> {
  await sql.query(
    `insert into policy.provisioned_user (id, provider, user_uid, account, user_name, external_id, active, attributes)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      user.id,
      user.provider,
      user.user_uid,
      user.account,
      user.user_name,
      user.external_id,
      user.active,
      JSON.stringify(user.attributes),
    ],
    'insert_provisioned_user',
  );
}

/** Changes nothing, and not the version, if all is equal. */
export async function updateProvisionedUser(
  sql: Sql,
  user: Pick<ProvisionedUserRow, 'id' | 'user_name' | 'external_id' | 'active' | 'attributes'>,
): Promise<void> {
  await sql.query(
    `update policy.provisioned_user set user_name = $2, external_id = $3, active = $4, attributes = $5::jsonb,
       version = version + 1, updated_at = clock_timestamp()
     where id = $1 and (user_name, coalesce(external_id, ''), active, attributes)
       is distinct from ($2::text, coalesce($3::text, ''), $4::boolean, $5::jsonb)`,
    [user.id, user.user_name, user.external_id, user.active, JSON.stringify(user.attributes)],
    'update_provisioned_user',
  );
}

export async function deleteProvisionedUser(sql: Sql, id: string): Promise<void> {
  await sql.query('delete from policy.provisioned_user where id = $1', [id], 'delete_provisioned_user');
}

interface GroupOfUser {
  readonly user_id: string;
  readonly id: string;
  readonly display_name: string;
}

/** Adds the groups of the users. */
export async function presentUsers(sql: Sql, rows: readonly ProvisionedUserRow[]): Promise<ProvisionedUser[]> {
  const groups = await sql.query<GroupOfUser>(
    `select m.user_id, g.id, g.display_name from policy.provisioned_member m
     join policy.provisioned_group g on g.id = m.group_id where m.user_id = any($1::uuid[]) order by g.id`,
    [rows.map(({ id }) => id)],
    'groups_of_users',
  );
  return rows.map((row) => {
    const { id, provider, external_id: externalId, attributes } = row;
    return {
      id,
      provider,
      version: String(row.version),
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
      userName: row.user_name,
      ...(externalId !== null && { externalId }),
      ...attributes,
      active: row.active,
      user: row.account,
      groups: groups
        .filter((group) => group.user_id === id)
        .map((group) => ({ id: group.id, displayName: group.display_name })),
    };
  });
}
