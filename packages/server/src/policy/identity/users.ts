/** Users and service accounts as resources: lookup, creation and facts. */
import type { Database, Sql } from '#engines/database/contract.ts';
import { writeStatus } from '#kernel/reconciler.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { ensureResource } from '#kernel/resource-handlers.ts';
import { listResources, readByUid, readResource, readResources, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { bumpVersion } from '#policy/state.ts';

/** A User or ServiceAccount that is there and not being deleted. */
export interface Account {
  readonly kind: 'User' | 'ServiceAccount';
  readonly uid: string;
  readonly name: string;
  readonly suspended: boolean;
  /** Users only. */
  readonly email?: string;
  readonly displayName?: string;
}

/** Requires a transaction of the organization. */
export async function findAccount(sql: Sql, kind: Account['kind'], name: string): Promise<Account | undefined> {
  return accountOf(await readResource(sql, ORGANIZATION, kind, name));
}

/** By the name as typed, or in lower case, which is how names are normally written: always one query. */
export async function findLogin(sql: Sql, typed: string): Promise<Account | undefined> {
  const name = typed.trim();
  const rows = await readResources(sql, ORGANIZATION, 'User', [name, name.toLowerCase()]);
  return accountOf(rows.find((row) => row.name === name) ?? rows[0]);
}

export async function findAccountByUid(sql: Sql, uid: string): Promise<Account | undefined> {
  return accountOf((await readByUid(sql, [uid]))[0]);
}

function accountOf(row: ResourceRow | undefined): Account | undefined {
  if (row === undefined || row.deletion_at !== null) return undefined;
  const { email, displayName, suspended } = row.spec as { email?: string; displayName?: string; suspended?: boolean };
  return {
    kind: row.kind as Account['kind'],
    uid: row.uid,
    name: row.name,
    suspended: suspended === true,
    ...(email !== undefined && { email }),
    ...(displayName !== undefined && { displayName }),
  };
}

/** Whether there is any User. */
export async function hasUsers(database: Database): Promise<boolean> {
  const filter = { kind: 'User', after: '', limit: 1, equal: {}, notEqual: [], present: [], absent: [] };
  const rows = await transact(database, { mode: 'read', projectId: ORGANIZATION }, ({ sql }) =>
    listResources(sql, { ...filter, projectId: ORGANIZATION }),
  );
  return rows.length > 0;
}

export interface NewUser {
  readonly name: string;
  readonly email: string;
  readonly displayName?: string | undefined;
}

/**
 * Creates a User like a manifest. Returns its uid. @throws DaisError as a create does: `invalid_manifest` for an email
 * address of another user.
 */
export async function makeUser(tx: Transaction, kinds: KindRegistry, input: NewUser): Promise<string> {
  const { name, email, displayName } = input;
  const spec = { email, ...(displayName !== undefined && displayName !== '' && { displayName }) };
  return await ensureResource(
    tx,
    kinds,
    { id: ORGANIZATION, name: '' },
    { kind: 'User', name, origin: 'manifest', spec },
  );
}

/** Makes a user an administrator of the organization, with a separate binding that can be deleted. */
export async function makeAdministrator(
  tx: Transaction,
  kinds: KindRegistry,
  user: { readonly uid: string; readonly name: string },
): Promise<void> {
  await ensureResource(
    tx,
    kinds,
    { id: ORGANIZATION, name: '' },
    {
      kind: 'OrganizationRoleBinding',
      name: `administrator-${user.uid}`,
      origin: 'manifest',
      spec: { role: 'admin', users: [user.name] },
    },
  );
}

/** The claims of an identity provider at the sign-in of a user. */
export interface SignIn {
  readonly userUid: string;
  readonly provider: string;
  readonly groups: readonly string[];
}

/** Stores provider and groups in the status of the user; increases the version if they changed. */
export async function recordSignIn(tx: Transaction, { userUid, provider, groups }: SignIn): Promise<void> {
  const [row] = await readByUid(tx.sql, [userUid]);
  if (row === undefined) return;
  const sorted = [...new Set(groups)].toSorted();
  const same = row.status['provider'] === provider && JSON.stringify(row.status['groups']) === JSON.stringify(sorted);
  if (same) return;
  await writeStatus(tx, userUid, Number(row.generation), [], { provider, groups: sorted });
  await bumpVersion(tx);
}
