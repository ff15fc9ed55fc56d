/** Users that an identity provider provisions. */
import { DaisError, eventTypes } from '@dais/api';
import {
  createProvisionedUserOperation,
  deleteProvisionedUserOperation,
  listProvisionedUsersOperation,
  readProvisionedUserOperation,
  replaceProvisionedUserOperation,
  type ProvisionedUser,
} from '@dais/api/access';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { readByUid, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { endCredentials } from '#policy/identity/credentials.ts';
import { isAllowedDomain } from '#policy/oidc/person-claims.ts';
import { bumpVersion } from '#policy/state.ts';
import {
  deleteProvisionedUser,
  findProvisionedName,
  insertProvisionedUser,
  listProvisionedUsers,
  presentUsers,
  providerOfUser,
  readProvisionedUser,
  updateProvisionedUser,
  type ProvisionedUserRow,
} from './provisioned-users.ts';
import { lockProvisioning, providerOfCall, requireVersion } from './provisioning-call.ts';
import { findUserByEmail, showProvider, userFacts, writeUser, type UserFacts } from './user-resource.ts';

export interface ProvisioningDependencies {
  readonly kinds: KindRegistry;
  /** Email domains of a provider, whose existing Users it may adopt; `*`: every domain. */
  readonly allowedDomains: (provider: string) => readonly string[];
}

export function provisionedUserEntries(dependencies: ProvisioningDependencies): readonly OperationEntry[] {
  return [
    entry(listProvisionedUsersOperation, async (tx, { context, input }) => {
      const provider = await providerOfCall(tx, context, input.provider);
      const { rows, total } = await listProvisionedUsers(tx.sql, { ...input, provider });
      return { items: await presentUsers(tx.sql, rows), total, startIndex: input.startIndex };
    }),
    entry(readProvisionedUserOperation, async (tx, { context, input }) =>
      presentOne(tx, await requireUser(tx, await providerOfCall(tx, context, input.provider), input.id)),
    ),
    entry(createProvisionedUserOperation, async (tx, call) => await create(tx, dependencies, call)),
    entry(replaceProvisionedUserOperation, async (tx, call) => await replace(tx, dependencies, call)),
    entry(deleteProvisionedUserOperation, async (tx, call) => await remove(tx, dependencies, call)),
  ];
}

/** @throws DaisError `not_found` */
async function requireUser(tx: Transaction, provider: string, id: string): Promise<ProvisionedUserRow> {
  const row = await readProvisionedUser(tx.sql, provider, id);
  if (row === undefined) throw new DaisError('not_found', `"${provider}" provisions no user with the id ${id}.`);
  return row;
}

async function presentOne(tx: Transaction, row: ProvisionedUserRow): Promise<ProvisionedUser> {
  const [user] = await presentUsers(tx.sql, [row]);
  if (user === undefined) throw new Error('one row, but no user');
  return user;
}

async function create(
  tx: Transaction,
  { kinds, allowedDomains }: ProvisioningDependencies,
  { context, input }: CallOf<typeof createProvisionedUserOperation>,
): Promise<ProvisionedUser> {
  const provider = await providerOfCall(tx, context, input.provider);
  const facts = userFacts(input);
  await lockProvisioning(tx);
  await requireFreeName(tx, provider, input.userName, undefined);
  const existing = await findUserByEmail(tx, facts.email);
  if (existing !== undefined)
    await requireAdoptable(tx, existing, facts, { provider, domains: allowedDomains(provider) });
  const user = await writeUser(tx, kinds, existing, facts);
  const id = uuidv7();
  const { userName, externalId = null, active, ...rest } = input;
  await insertProvisionedUser(tx.sql, {
    id,
    provider,
    user_uid: user.uid,
    account: user.name,
    user_name: userName,
    external_id: externalId,
    active,
    attributes: attributesOf(rest),
  });
  await showProvider(tx, user, provider);
  // Groups of the sign-in no longer count.
  await bumpVersion(tx);
  tx.emit({
    type: eventTypes.userProvisioned,
    projectId: ORGANIZATION,
    subject: subjectOf(user),
    data: { provider, id, created: existing === undefined },
  });
  return await presentOne(tx, await requireUser(tx, provider, id));
}

/** An account that somebody else manages, or whose address is not of the provider, stays as it is. */
async function requireAdoptable(
  tx: Transaction,
  user: ResourceRow,
  { email }: UserFacts,
  { provider, domains }: { readonly provider: string; readonly domains: readonly string[] },
): Promise<void> {
  const other = await providerOfUser(tx.sql, user.uid);
  if (other !== undefined) {
    const detail = `"${other}" already provisions the User with the email address ${email}.`;
    throw new DaisError('already_exists', detail);
  }
  if (isAllowedDomain(email, domains)) return;
  const detail = `A User with the email address ${email} exists, and "${provider}" may not adopt it: its domain is not in \`allowedDomains\` of the provider.`;
  throw new DaisError('already_exists', detail);
}

async function requireFreeName(
  tx: Transaction,
  provider: string,
  userName: string,
  self: string | undefined,
): Promise<void> {
  const other = await findProvisionedName(tx.sql, provider, userName);
  if (other === undefined || other === self) return;
  throw new DaisError('already_exists', `"${provider}" already provisions a user named "${userName}".`);
}

async function replace(
  tx: Transaction,
  { kinds }: ProvisioningDependencies,
  { context, input }: CallOf<typeof replaceProvisionedUserOperation>,
): Promise<ProvisionedUser> {
  const provider = await providerOfCall(tx, context, input.provider);
  await lockProvisioning(tx);
  const before = await requireUser(tx, provider, input.id);
  requireVersion('The user', before, input.ifVersion);
  await requireFreeName(tx, provider, input.userName, before.id);
  const [user] = await readByUid(tx.sql, [before.user_uid]);
  if (user === undefined) throw new DaisError('not_found', `The User "${before.account}" was deleted.`);
  // A user whom an administrator suspended stays suspended until the provider deactivates and activates it.
  const active = before.active === input.active ? user.spec['suspended'] !== true : input.active;
  await writeUser(tx, kinds, user, { ...userFacts(input), active });
  const { id, userName, externalId = null, ...rest } = input;
  const attributes = attributesOf(rest);
  await updateProvisionedUser(tx.sql, {
    id,
    user_name: userName,
    external_id: externalId,
    active: input.active,
    attributes,
  });
  if (before.active && !input.active) emitDeprovisioned(tx, user, before, 'deactivated');
  return await presentOne(tx, await requireUser(tx, provider, id));
}

async function remove(
  tx: Transaction,
  { kinds }: ProvisioningDependencies,
  { context, input }: CallOf<typeof deleteProvisionedUserOperation>,
) {
  const provider = await providerOfCall(tx, context, input.provider);
  await lockProvisioning(tx);
  const before = await requireUser(tx, provider, input.id);
  requireVersion('The user', before, input.ifVersion);
  await deleteProvisionedUser(tx.sql, before.id);
  const [user] = await readByUid(tx.sql, [before.user_uid]);
  if (user === undefined) return {};
  const { email, displayName } = user.spec as { readonly email: string; readonly displayName?: string };
  const suspended = await writeUser(tx, kinds, user, { email, displayName, active: false });
  // Also of a User that was suspended before: groups and credentials end in any case.
  await endCredentials(tx, subjectOf(user), 'deleted');
  await showProvider(tx, suspended, undefined);
  emitDeprovisioned(tx, user, before, 'removed');
  return {};
}

function emitDeprovisioned(
  tx: Transaction,
  user: ResourceRow,
  { id, provider }: ProvisionedUserRow,
  reason: 'deactivated' | 'removed',
): void {
  tx.emit({
    type: eventTypes.userDeprovisioned,
    projectId: ORGANIZATION,
    subject: subjectOf(user),
    data: { provider, id, reason },
  });
}

function subjectOf({ uid, name }: ResourceRow) {
  return { kind: 'User', uid, name } as const;
}

function attributesOf(input: ProvisionedUserRow['attributes']): ProvisionedUserRow['attributes'] {
  const { displayName, name, title, userType, preferredLanguage, locale, timezone, emails } = input;
  const all = { displayName, name, title, userType, preferredLanguage, locale, timezone, emails };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as ProvisionedUserRow['attributes'];
}
