/** Resources as clients read them. Pure. */
import type { OutputOf } from '@dais/api';
import type { readProvisionedGroupOperation, readProvisionedUserOperation } from '@dais/api/access';
import type { Document } from './read-document.ts';
import { GROUP_SCHEMA, USER_SCHEMA } from './urns.ts';

export type UserOutput = OutputOf<typeof readProvisionedUserOperation>;
type GroupOutput = OutputOf<typeof readProvisionedGroupOperation>;

/** Attributes that a client requests or excludes, in lower case. */
export interface Selection {
  readonly only: ReadonlySet<string> | undefined;
  readonly without: ReadonlySet<string>;
}

export const EVERYTHING: Selection = { only: undefined, without: new Set() };

/** @param base URL of the adapter, without a slash at the end */
export function presentUser(user: UserOutput, base: string): Document {
  const { id, externalId, userName, displayName, name, title, userType, preferredLanguage, locale, timezone } = user;
  const optional = { externalId, name, displayName, title, userType, preferredLanguage, locale, timezone };
  return {
    schemas: [USER_SCHEMA],
    id,
    userName,
    ...defined(optional),
    active: user.active,
    ...(user.emails !== undefined && { emails: user.emails }),
    ...(user.groups.length > 0 && {
      groups: user.groups.map((group) => ({
        value: group.id,
        $ref: `${base}/Groups/${group.id}`,
        display: group.displayName,
      })),
    }),
    meta: metaOf('User', `${base}/Users/${id}`, user),
  };
}

export function presentGroup(group: GroupOutput, base: string): Document {
  const { id, displayName, externalId, members = [] } = group;
  return {
    schemas: [GROUP_SCHEMA],
    id,
    displayName,
    ...defined({ externalId }),
    ...(members.length > 0 && {
      members: members.map((member) => ({
        value: member.id,
        $ref: `${base}/Users/${member.id}`,
        type: 'User',
      })),
    }),
    meta: metaOf('Group', `${base}/Groups/${id}`, group),
  };
}

function metaOf(resourceType: string, location: string, { createdAt, updatedAt, version }: UserOutput | GroupOutput) {
  return { resourceType, created: createdAt, lastModified: updatedAt, location, version: etagOf(version) };
}

export function etagOf(version: string): string {
  return `W/"${version}"`;
}

function defined(fields: Readonly<Record<string, unknown>>): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Removes what the client did not request. `id` and `schemas` stay (RFC 7644, section 3.9). */
export function select(document: Document, { only, without }: Selection): Document {
  return Object.fromEntries(
    Object.entries(document).flatMap(([name, value]) => {
      const lower = name.toLowerCase();
      if (lower === 'id' || lower === 'schemas') return [[name, value]];
      if (only === undefined)
        return without.has(lower) ? [] : [[name, selectSubs(lower, value, (sub) => !without.has(sub))]];
      if (only.has(lower)) return [[name, value]];
      const some = [...only].some((one) => one.startsWith(`${lower}.`));
      return some ? [[name, selectSubs(lower, value, (sub) => only.has(sub))]] : [];
    }),
  );
}

function selectSubs(name: string, value: unknown, keep: (path: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => selectSubs(name, one, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([sub]) => keep(`${name}.${sub.toLowerCase()}`)));
}
