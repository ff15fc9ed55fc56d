import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const provider = z.string().describe('Name of the identity provider.');
const group = z.string().describe('Id of the group.');
const groupName = z.string().describe('Name of the group.');

export const provisioningEvents = {
  userProvisioned: {
    type: 'user.provisioned',
    v: 1,
    description: 'An identity provider provisioned a user (SCIM).',
    data: z.strictObject({
      provider,
      id: z.string().describe('Id of the provisioned user.'),
      created: z.boolean().describe('Whether the User is new. False: a User with the email address existed.'),
    }),
  },
  userDeprovisioned: {
    type: 'user.deprovisioned',
    v: 1,
    description: 'An identity provider deactivated or removed a user (SCIM). All its sessions and tokens were ended.',
    data: z.strictObject({
      provider,
      id: z.string().describe('Id of the provisioned user.'),
      reason: z.enum(['deactivated', 'removed']).describe('Why.'),
    }),
  },
  groupProvisioned: {
    type: 'group.provisioned',
    v: 1,
    description: 'An identity provider provisioned a group (SCIM).',
    data: z.strictObject({ provider, group, name: groupName, members: z.int().describe('Number of members.') }),
  },
  groupChanged: {
    type: 'group.changed',
    v: 1,
    description: 'An identity provider changed a provisioned group.',
    personal: true,
    data: z.strictObject({
      provider,
      group,
      name: groupName,
      added: z.array(z.string()).describe('Names of the Users that were added, at most 100.'),
      removed: z.array(z.string()).describe('Names of the Users that were removed, at most 100.'),
      addedCount: z.int().describe('Number of added members.'),
      removedCount: z.int().describe('Number of removed members.'),
    }),
  },
  groupRemoved: {
    type: 'group.removed',
    v: 1,
    description: 'An identity provider removed a provisioned group.',
    data: z.strictObject({ provider, group, name: groupName, members: z.int().describe('Number of members.') }),
  },
} as const satisfies Record<string, EventType>;
