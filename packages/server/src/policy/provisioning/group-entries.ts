/** Groups that an identity provider provisions. Teams refer to them as to the groups of a sign-in. */
import { DaisError, eventTypes } from '@dais/api';
import {
  changeProvisionedGroupOperation,
  createProvisionedGroupOperation,
  deleteProvisionedGroupOperation,
  listProvisionedGroupsOperation,
  readProvisionedGroupOperation,
  type ProvisionedGroup,
} from '@dais/api/access';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { bumpVersion } from '#policy/state.ts';
import {
  addMembers,
  deleteProvisionedGroup,
  findProvisionedGroup,
  insertProvisionedGroup,
  listProvisionedGroups,
  presentGroup,
  readMembers,
  readProvisionedGroup,
  readUsersNamed,
  removeMembers,
  updateProvisionedGroup,
  type MemberRow,
  type ProvisionedGroupRow,
} from './provisioned-groups.ts';
import { lockProvisioning, providerOfCall, requireVersion } from './provisioning-call.ts';

/** A group with more members cannot be read in one response. */
const MOST_MEMBERS = 10_000;
/** Names in one event. */
const MOST_NAMES = 100;

export function provisionedGroupEntries(): readonly OperationEntry[] {
  return [
    entry(listProvisionedGroupsOperation, async (tx, { context, input }) => {
      const provider = await providerOfCall(tx, context, input.provider);
      const { rows, total } = await listProvisionedGroups(tx.sql, { ...input, provider });
      return { items: rows.map((row) => presentGroup(row)), total, startIndex: input.startIndex };
    }),
    entry(readProvisionedGroupOperation, async (tx, { context, input }) => {
      const provider = await providerOfCall(tx, context, input.provider);
      return await presentOne(tx, await requireGroup(tx, provider, input.id), input.withMembers);
    }),
    entry(createProvisionedGroupOperation, async (tx, call) => await create(tx, call)),
    entry(changeProvisionedGroupOperation, async (tx, call) => await change(tx, call)),
    entry(deleteProvisionedGroupOperation, async (tx, { context, input }) => {
      const provider = await providerOfCall(tx, context, input.provider);
      await lockProvisioning(tx);
      const before = await requireGroup(tx, provider, input.id);
      requireVersion('The group', before, input.ifVersion);
      await bumpVersion(tx);
      await deleteProvisionedGroup(tx.sql, before.id);
      const { id: group, display_name: name, member_count: members } = before;
      tx.emit({ type: eventTypes.groupRemoved, projectId: ORGANIZATION, data: { provider, group, name, members } });
      return {};
    }),
  ];
}

/** @throws DaisError `not_found` */
async function requireGroup(tx: Transaction, provider: string, id: string): Promise<ProvisionedGroupRow> {
  const row = await readProvisionedGroup(tx.sql, provider, id);
  if (row === undefined) throw new DaisError('not_found', `"${provider}" provisions no group with the id ${id}.`);
  return row;
}

async function presentOne(tx: Transaction, row: ProvisionedGroupRow, withMembers: boolean): Promise<ProvisionedGroup> {
  return presentGroup(row, withMembers ? await readMembers(tx.sql, row.id) : undefined);
}

async function requireFreeName(
  tx: Transaction,
  provider: string,
  name: string,
  self: string | undefined,
): Promise<void> {
  const other = await findProvisionedGroup(tx.sql, provider, name);
  if (other === undefined || other === self) return;
  throw new DaisError('already_exists', `"${provider}" already provisions a group named "${name}".`);
}

/** @throws DaisError `invalid_request` for an id that is no user of the provider. */
async function requireUsers(tx: Transaction, provider: string, ids: readonly string[]): Promise<readonly MemberRow[]> {
  if (ids.length === 0) return [];
  const users = await readUsersNamed(tx.sql, provider, ids);
  const known = new Set(users.map(({ id }) => id));
  const missing = ids.find((id) => !known.has(id.toLowerCase()));
  if (missing === undefined) return users;
  throw new DaisError('invalid_request', `"${provider}" provisions no user with the id ${missing}.`, {
    issues: [{ path: 'members', message: `contains ${missing}, which is no provisioned user` }],
  });
}

async function create(
  tx: Transaction,
  { context, input }: CallOf<typeof createProvisionedGroupOperation>,
): Promise<ProvisionedGroup> {
  const provider = await providerOfCall(tx, context, input.provider);
  const { displayName: name, externalId = null, members = [] } = input;
  await lockProvisioning(tx);
  await requireFreeName(tx, provider, name, undefined);
  const users = await requireUsers(tx, provider, members);
  await bumpVersion(tx);
  const group = uuidv7();
  await insertProvisionedGroup(tx.sql, { id: group, provider, display_name: name, external_id: externalId });
  await addMembers(tx.sql, group, [...new Set(users.map(({ id }) => id))]);
  const row = await requireGroup(tx, provider, group);
  tx.emit({
    type: eventTypes.groupProvisioned,
    projectId: ORGANIZATION,
    data: { provider, group, name, members: row.member_count },
  });
  return await presentOne(tx, row, true);
}

async function change(
  tx: Transaction,
  { context, input }: CallOf<typeof changeProvisionedGroupOperation>,
): Promise<ProvisionedGroup> {
  const provider = await providerOfCall(tx, context, input.provider);
  await lockProvisioning(tx);
  const before = await requireGroup(tx, provider, input.id);
  requireVersion('The group', before, input.ifVersion);
  const { displayName: name = before.display_name, externalId = before.external_id } = input;
  await requireFreeName(tx, provider, name, before.id);
  const { added, removed } = await memberChanges(tx, before, input);
  const renamed = name !== before.display_name;
  const unchanged = !renamed && externalId === before.external_id && added.length + removed.length === 0;
  if (!unchanged) {
    if (before.member_count + added.length - removed.length > MOST_MEMBERS) {
      const detail = `The group "${name}" would have more than ${MOST_MEMBERS} members. Split it.`;
      throw new DaisError('quota_exceeded', detail);
    }
    if (renamed || added.length + removed.length > 0) await bumpVersion(tx);
    await updateProvisionedGroup(tx.sql, { id: before.id, display_name: name, external_id: externalId });
    await addMembers(tx.sql, before.id, idsOf(added));
    await removeMembers(tx.sql, before.id, idsOf(removed));
    const data = {
      provider,
      group: before.id,
      name,
      added: accountsOf(added),
      removed: accountsOf(removed),
      addedCount: added.length,
      removedCount: removed.length,
    };
    tx.emit({ type: eventTypes.groupChanged, projectId: ORGANIZATION, data });
  }
  return await presentOne(tx, await requireGroup(tx, provider, before.id), input.withMembers);
}

interface MemberInput {
  readonly members?: readonly string[];
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** First all members, if the request lists them, then the removed, then the added ones. */
async function memberChanges(
  tx: Transaction,
  group: ProvisionedGroupRow,
  { members, add = [], remove = [] }: MemberInput,
) {
  if (members === undefined && add.length + remove.length === 0) return { added: [], removed: [] };
  const before = new Map((await readMembers(tx.sql, group.id)).map((one) => [one.id, one]));
  const after = members === undefined ? new Map(before) : new Map<string, MemberRow>();
  for (const id of remove) after.delete(id.toLowerCase());
  const named = await requireUsers(tx, group.provider, [...(members ?? []), ...add]);
  const gone = new Set(remove.map((id) => id.toLowerCase()));
  const added = new Set(add.map((id) => id.toLowerCase()));
  for (const one of named) if (!gone.has(one.id) || added.has(one.id)) after.set(one.id, one);
  return {
    added: [...after.values()].filter(({ id }) => !before.has(id)),
    removed: [...before.values()].filter(({ id }) => !after.has(id)),
  };
}

function idsOf(members: readonly MemberRow[]): readonly string[] {
  return members.map(({ id }) => id);
}

function accountsOf(members: readonly MemberRow[]): string[] {
  return members.slice(0, MOST_NAMES).map(({ account }) => account);
}
