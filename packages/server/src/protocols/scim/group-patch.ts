/** Translates a PATCH of a group to one change, without reading its members. Pure. */
import type { Filter } from '#lib/scim/filter.ts';
import { groupSchema } from './attributes.ts';
import { resolvePath, type PatchOperation } from './patch.ts';
import { invalid, readValue, requireRecord } from './read-document.ts';
import { ScimError } from './scim-error.ts';

export interface GroupChange {
  displayName?: string;
  /** Null removes it. */
  externalId?: string | null;
  /** All members afterwards; absent: the present ones. */
  members?: readonly string[];
  add: readonly string[];
  remove: readonly string[];
}

/** @throws ScimError */
export function groupChange(operations: readonly PatchOperation[]): GroupChange {
  const change: GroupChange = { add: [], remove: [] };
  for (const { op, path, value } of operations) {
    if (path !== undefined) applyAt(change, op, path, value);
    else
      for (const [name, part] of Object.entries(requireRecord(value, 'The value of an operation without a path')))
        applyAt(change, op, name, part);
  }
  return change;
}

function applyAt(change: GroupChange, op: PatchOperation['op'], path: string, value: unknown): void {
  if (['id', 'meta'].includes(path.toLowerCase()) && op !== 'remove') return;
  const target = resolvePath(groupSchema, path);
  if (target === undefined) return;
  const { attribute, sub, filter } = target;
  if (attribute.name === 'displayName') {
    if (op === 'remove') throw invalid('displayName', 'is required');
    const name = readValue(attribute, value, 'displayName');
    if (typeof name !== 'string') throw invalid('displayName', 'is required');
    change.displayName = name;
  } else if (attribute.name === 'externalId') {
    change.externalId = op === 'remove' ? null : ((readValue(attribute, value, 'externalId') ?? null) as string | null);
  } else if (sub !== undefined) {
    throw new ScimError(400, 'The attributes of a member cannot be changed.', 'mutability');
  } else changeMembers(change, op, filter, value);
}

function changeMembers(
  change: GroupChange,
  op: PatchOperation['op'],
  filter: Filter | undefined,
  value: unknown,
): void {
  if (filter !== undefined) {
    if (op !== 'remove') throw new ScimError(400, 'A path with a filter can only remove members.', 'invalidPath');
    removeIds(change, idsIn(filter));
  } else if (op === 'remove') {
    const ids = memberIds(value);
    // Without values, all members are removed.
    if (value === undefined || value === null) Object.assign(change, { members: [], add: [], remove: [] });
    else removeIds(change, ids);
  } else if (op === 'replace') Object.assign(change, { members: memberIds(value), add: [], remove: [] });
  else {
    const ids = memberIds(value);
    const added = new Set(ids);
    change.add = [...new Set([...change.add, ...ids])];
    change.remove = change.remove.filter((id) => !added.has(id));
  }
}

function removeIds(change: GroupChange, ids: readonly string[]): void {
  const removed = new Set(ids);
  change.remove = [...new Set([...change.remove, ...ids])];
  change.add = change.add.filter((id) => !removed.has(id));
}

/** `value eq "…"`, joined by `or`. */
function idsIn(filter: Filter): readonly string[] {
  if (filter.op === 'or') return filter.parts.flatMap(idsIn);
  const { op } = filter;
  if (op === 'compare' && filter.operator === 'eq' && filter.path.attribute === 'value') return [idOf(filter.value)];
  throw new ScimError(400, 'Members can be selected by `value eq "ID"` only.', 'invalidPath');
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @throws ScimError `invalidValue` */
export function memberIds(value: unknown): readonly string[] {
  const attribute = groupSchema.attributes.find(({ name }) => name === 'members');
  if (attribute === undefined) throw new Error('the schema has no members');
  const members = (readValue(attribute, value, 'members') ?? []) as readonly Readonly<Record<string, unknown>>[];
  return [
    ...new Set(
      members.map((member) => {
        const { type = 'User' } = member;
        if (String(type).toLowerCase() !== 'user')
          throw invalid('members', 'contains a group; nested groups are not supported');
        return idOf(member['value']);
      }),
    ),
  ];
}

function idOf(value: unknown): string {
  const id = String(value).toLowerCase();
  if (UUID.test(id)) return id;
  throw invalid('members', `contains ${JSON.stringify(value ?? null).slice(0, 80)}, which is no id of a user`);
}
