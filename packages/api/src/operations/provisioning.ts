import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

/**
 * Users and groups that an identity provider provisions. The SCIM adapter translates the requests of the provider into
 * these operations.
 */

const id = z.uuid().describe('Id of the provisioned user or group.');
const provider = z
  .string()
  .min(1)
  .max(63)
  .optional()
  .describe('Name of the identity provider. Default: the provider of the service account that calls.');
const text = (what: string, max = 256) => z.string().max(max).optional().describe(what);
const version = z.string().regex(/^\d{1,19}$/);
const ifVersion = version.optional().describe('The version that the request changes; another one is an error.');
const filter = z
  .string()
  .max(2000)
  .optional()
  .describe('Filter as RFC 7644, section 3.4.2.2 defines it: `userName eq "ada@example.com"`.');

/** Members of one group. */
const MOST_MEMBERS = 10_000;
/** Members that one request names. */
const MOST_NAMED_MEMBERS = 5000;

const userFields = {
  userName: z.string().min(1).max(256).describe('Name of the user at the provider, unique there in any case.'),
  externalId: text('Id of the user at the provider.'),
  displayName: text('Name for display.'),
  name: z
    .strictObject({
      formatted: text('Full name.'),
      familyName: text('Family name.'),
      givenName: text('Given name.'),
      middleName: text('Middle name.'),
      honorificPrefix: text('Title before the name.'),
      honorificSuffix: text('Suffix of the name.'),
    })
    .optional()
    .describe('Parts of the name.'),
  title: text('Job title.'),
  userType: text('Relationship to the organization, for example `Employee`.'),
  preferredLanguage: text('Preferred language.', 64),
  locale: text('Locale.', 64),
  timezone: text('Time zone.', 64),
  emails: z
    .array(
      z.strictObject({
        value: z.string().min(1).max(254).describe('Email address.'),
        type: text('Type, for example `work`.', 64),
        display: text('Address for display.'),
        primary: z.boolean().optional().describe('Whether it is the primary address.'),
      }),
    )
    .max(20)
    .optional()
    .describe('Email addresses. The primary one, else the first one, is the address of the User.'),
  active: z.boolean().default(true).describe('False suspends the User and ends all its sessions and tokens.'),
};

const common = {
  id,
  provider: z.string().describe('Name of the identity provider.'),
  version: version.describe('Increases with each change.'),
  createdAt: z.string().describe('Creation time; RFC 3339, UTC.'),
  updatedAt: z.string().describe('Time of the last change; RFC 3339, UTC.'),
};

export const provisionedUserSchema = z.strictObject({
  ...common,
  ...userFields,
  active: z.boolean().describe('Whether the provider lets the user sign in.'),
  user: z.string().describe('Name of the User.'),
  groups: z
    .array(z.strictObject({ id, displayName: z.string().describe('Name of the group.') }))
    .describe('Groups of the user.'),
});
export type ProvisionedUser = z.infer<typeof provisionedUserSchema>;

const member = z.strictObject({ id, userName: z.string().describe('Name of the member at the provider.') });
const displayName = z
  .string()
  .min(1)
  .max(256)
  .describe('Name of the group, unique at the provider. `groups` of a Team refers to it.');

export const provisionedGroupSchema = z.strictObject({
  ...common,
  displayName,
  externalId: text('Id of the group at the provider.'),
  memberCount: z.int().describe('Number of members.'),
  members: z.array(member).max(MOST_MEMBERS).optional().describe('Members. Absent if the request excludes them.'),
});
export type ProvisionedGroup = z.infer<typeof provisionedGroupSchema>;

const page = {
  provider,
  filter,
  startIndex: z.int().min(1).max(10_000_000).default(1).describe('Position of the first result, from 1.'),
  count: z.int().min(0).max(500).default(100).describe('Maximum results. 0 returns only their number.'),
};
const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    items: z.array(item).describe('Results in the order of their creation.'),
    total: z.int().describe('Number of all results.'),
    startIndex: z.int().describe('Position of the first result, from 1.'),
  });

const roles = ['provisioner'] as const;
const userTarget = () => ({ kind: 'ProvisionedUser' });
const groupTarget = () => ({ kind: 'ProvisionedGroup' });
const users = '/api/v1/provisioning/users' as const;
const groups = '/api/v1/provisioning/groups' as const;
const query = ['provider', 'filter', 'startIndex', 'count'] as const;
const memberIds = (what: string) => z.array(id).max(MOST_NAMED_MEMBERS).optional().describe(what);
const withMembers = z.boolean().default(true).describe('Whether the response lists the members.');

export const listProvisionedUsersOperation = defineOperation({
  name: 'provisionedUser.list',
  action: 'provisioning:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the users that an identity provider provisions.',
  input: z.strictObject(page),
  output: pageOf(provisionedUserSchema),
  target: userTarget,
  roles,
  http: { method: 'GET', path: users, status: 200, query },
});

export const readProvisionedUserOperation = defineOperation({
  name: 'provisionedUser.get',
  action: 'provisioning:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns a provisioned user.',
  input: z.strictObject({ id, provider }),
  output: provisionedUserSchema,
  target: userTarget,
  roles,
  http: { method: 'GET', path: `${users}/:id`, status: 200, query: ['provider'] },
});

export const createProvisionedUserOperation = defineOperation({
  name: 'provisionedUser.create',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Provisions a user: creates a User, or adopts the one with the same email address.',
  input: z.strictObject({ provider, ...userFields }),
  output: provisionedUserSchema,
  target: userTarget,
  roles,
  http: { method: 'POST', path: users, status: 201 },
});

export const replaceProvisionedUserOperation = defineOperation({
  name: 'provisionedUser.replace',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Replaces the attributes of a provisioned user. `active: false` ends all sessions and tokens of the user.',
  input: z.strictObject({ id, provider, ifVersion, ...userFields }),
  output: provisionedUserSchema,
  target: userTarget,
  roles,
  http: { method: 'PUT', path: `${users}/:id`, status: 200 },
});

export const deleteProvisionedUserOperation = defineOperation({
  name: 'provisionedUser.delete',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Removes a provisioned user and suspends the User, which keeps its history.',
  input: z.strictObject({ id, provider, ifVersion }),
  output: z.strictObject({}),
  target: userTarget,
  roles,
  http: { method: 'DELETE', path: `${users}/:id`, status: 200, query: ['provider', 'ifVersion'] },
});

export const listProvisionedGroupsOperation = defineOperation({
  name: 'provisionedGroup.list',
  action: 'provisioning:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the groups that an identity provider provisions, without their members.',
  input: z.strictObject(page),
  output: pageOf(provisionedGroupSchema),
  target: groupTarget,
  roles,
  http: { method: 'GET', path: groups, status: 200, query },
});

export const readProvisionedGroupOperation = defineOperation({
  name: 'provisionedGroup.get',
  action: 'provisioning:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns a provisioned group.',
  input: z.strictObject({ id, provider, withMembers }),
  output: provisionedGroupSchema,
  target: groupTarget,
  roles,
  http: { method: 'GET', path: `${groups}/:id`, status: 200, query: ['provider', 'withMembers'] },
});

export const createProvisionedGroupOperation = defineOperation({
  name: 'provisionedGroup.create',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Provisions a group.',
  input: z.strictObject({
    provider,
    displayName,
    externalId: text('Id of the group at the provider.'),
    members: memberIds('Ids of the members.'),
  }),
  output: provisionedGroupSchema,
  target: groupTarget,
  roles,
  http: { method: 'POST', path: groups, status: 201 },
});

export const changeProvisionedGroupOperation = defineOperation({
  name: 'provisionedGroup.change',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Changes the name, the external id or the members of a provisioned group.',
  input: z.strictObject({
    id,
    provider,
    ifVersion,
    displayName: displayName.optional(),
    externalId: z.string().max(256).nullable().optional().describe('Id of the group at the provider; null removes it.'),
    members: memberIds('Ids of all members afterwards. Default: the present members.'),
    add: memberIds('Ids of members to add.'),
    remove: memberIds('Ids of members to remove. An id that is no member is ignored.'),
    withMembers,
  }),
  output: provisionedGroupSchema,
  target: groupTarget,
  roles,
  http: { method: 'POST', path: `${groups}/:id/actions/change`, status: 200 },
});

export const deleteProvisionedGroupOperation = defineOperation({
  name: 'provisionedGroup.delete',
  action: 'provisioning:write',
  mode: 'write',
  scope: 'org',
  summary: 'Removes a provisioned group. Its members stay.',
  input: z.strictObject({ id, provider, ifVersion }),
  output: z.strictObject({}),
  target: groupTarget,
  roles,
  http: { method: 'DELETE', path: `${groups}/:id`, status: 200, query: ['provider', 'ifVersion'] },
});

export const provisioningOperations: readonly Operation[] = [
  listProvisionedUsersOperation,
  readProvisionedUserOperation,
  createProvisionedUserOperation,
  replaceProvisionedUserOperation,
  deleteProvisionedUserOperation,
  listProvisionedGroupsOperation,
  readProvisionedGroupOperation,
  createProvisionedGroupOperation,
  changeProvisionedGroupOperation,
  deleteProvisionedGroupOperation,
];
