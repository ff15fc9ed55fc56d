import { z } from 'zod';
import { NODE_ROLES } from '#node-roles.ts';
import type { EventType } from '#events/event-type.ts';

const node = z.string().describe('Id of the node.');
const host = z.string().describe('Host name of the machine.');

export const nodeEvents = {
  nodeJoined: {
    type: 'node.joined',
    v: 1,
    description: 'A process tree started on a data folder for the first time.',
    data: z.strictObject({
      node,
      host,
      gateway: z.int().describe('Number of its gateway.'),
      role: z.enum(NODE_ROLES).optional().describe('Its role. Absent in events of earlier versions.'),
      token: z.string().optional().describe('Id of the token with which it joined.'),
      tokenBy: z.string().optional().describe('Who created that token, as `type:id`.'),
    }),
  },
  nodeDraining: {
    type: 'node.draining',
    v: 1,
    description: 'The drain of a node was requested.',
    data: z.strictObject({ node, host, deadline: z.string().describe('End of the time limit (RFC 3339, UTC).') }),
  },
  nodeDrained: {
    type: 'node.drained',
    v: 1,
    description: 'A node was drained: its jobs have ended or moved.',
    data: z.strictObject({ node, host, steps: z.int().describe('Steps that still run on it.') }),
  },
  nodeResumed: {
    type: 'node.resumed',
    v: 1,
    description: 'The drain of a node was ended.',
    data: z.strictObject({ node, host }),
  },
  nodeRemoved: {
    type: 'node.removed',
    v: 1,
    description: 'A node was removed.',
    data: z.strictObject({
      node,
      host,
      reason: z.enum(['requested', 'expired']).describe('`expired`: no contact for 30 days.'),
    }),
  },
  nodeTokenCreated: {
    type: 'node.token.created',
    v: 1,
    description: 'A token was created with which nodes can join the installation.',
    data: z.strictObject({
      token: z.string().describe('Id of the token.'),
      roles: z.array(z.enum(NODE_ROLES)).describe('Roles with which a node may join.'),
      uses: z.int().describe('Number of nodes that may join with it.'),
      expiresAt: z.string().describe('Time at which it expires (RFC 3339, UTC).'),
    }),
  },
  nodeTokenRevoked: {
    type: 'node.token.revoked',
    v: 1,
    description: 'A token with which nodes can join the installation was revoked.',
    data: z.strictObject({ token: z.string().describe('Id of the token.') }),
  },
} as const satisfies Record<string, EventType>;
