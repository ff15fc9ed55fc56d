import { z } from 'zod';
import { NODE_ROLES } from '#node-roles.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';

const id = z.uuid().describe('Id of the node, kept in its data folder.');
const time = z.string().describe('Time (RFC 3339, UTC), by the clock of the database.');

export const nodeSchema = z.strictObject({
  id,
  host: z.string().describe('Host name of the machine.'),
  role: z.enum(NODE_ROLES).describe('What its processes do.'),
  version: z.string().describe('Version of Dais.'),
  state: z
    .enum(['ready', 'draining', 'drained', 'unreachable', 'stopped'])
    .describe(
      '`draining`: it takes no new work and finishes what runs. `drained`: it takes no new work until it is resumed. ' +
        '`unreachable`: no contact for 30 s and not stopped in order.',
    ),
  gateway: z
    .int()
    .describe(
      'Number of its gateway, part of the ids of its predictions. Unique among all nodes, also those without a gateway.',
    ),
  leases: z.array(z.string()).describe('Names of the leases that it holds for all nodes.'),
  load: z
    .strictObject({
      cores: z.int().describe('Number of processor cores that Dais can use.'),
      busyCores: z.number().describe('Cores that the processes of the node kept busy since the contact before.'),
      memoryBytes: z.int().describe('Resident memory of the processes of the node.'),
    })
    .optional()
    .describe('Load at the last contact. Absent before the second contact.'),
  drain: z
    .strictObject({
      requestedAt: time.describe('Time of the request.'),
      deadline: time.describe('End of the time limit. Jobs that still run then move to another node.'),
      drainedAt: time.optional().describe('Time at which the node was drained.'),
      jobs: z.int().describe('Background jobs that run on the node.'),
      steps: z.int().describe('Steps of jobs and pipeline runs that run on the node.'),
    })
    .optional()
    .describe('Drain of the node. Absent if it takes new work.'),
  startedAt: time.describe('Time of the start of its control process.'),
  lastContactAt: time.describe('Time of the last contact.'),
});
export type ServerNode = z.infer<typeof nodeSchema>;

const path = '/api/v1/nodes' as const;
const target = () => ({ kind: 'Node' });

export const listNodesOperation = defineOperation({
  name: 'node.list',
  action: 'node:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the nodes of the installation by host: the process trees that share its database.',
  input: z.strictObject(pageInput),
  output: z.strictObject({ items: z.array(nodeSchema), nextCursor: z.string().optional() }),
  target,
  http: { method: 'GET', path, status: 200, query: ['limit', 'cursor'] },
});

export const removeNodeOperation = defineOperation({
  name: 'node.remove',
  action: 'node:delete',
  mode: 'write',
  scope: 'org',
  summary: 'Removes a node that is drained, stopped or unreachable, and releases the number of its gateway.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target,
  http: { method: 'DELETE', path: `${path}/:id`, status: 200 },
});

/** Time limit of a drain by default, and at most, in seconds. */
export const DRAIN_SECONDS = { default: 300, max: 86_400 } as const;

export const drainNodeOperation = defineOperation({
  name: 'node.drain',
  action: 'node:drain',
  mode: 'write',
  scope: 'org',
  summary:
    'Drains a node: it gives up its leases, takes no new work, finishes what runs, and is not ready for load balancers.',
  input: z.strictObject({
    id,
    timeLimitSeconds: z
      .int()
      .min(0)
      .max(DRAIN_SECONDS.max)
      .default(DRAIN_SECONDS.default)
      .describe('Time for what runs. Jobs that still run at its end move to another node; steps continue.'),
    force: z
      .boolean()
      .default(false)
      .describe('Drains the node even if no other ready node does its work. Nothing does it then until one is ready.'),
  }),
  output: nodeSchema,
  target,
  http: { method: 'POST', path: `${path}/:id/drain`, status: 200 },
});

export const resumeNodeOperation = defineOperation({
  name: 'node.resume',
  action: 'node:drain',
  mode: 'write',
  scope: 'org',
  summary: 'Ends the drain of a node: it takes new work and is ready again.',
  input: z.strictObject({ id }),
  output: nodeSchema,
  target,
  http: { method: 'POST', path: `${path}/:id/resume`, status: 200 },
});

/** Limits of tokens with which nodes join. Times in seconds. */
export const NODE_TOKEN_LIMITS = { seconds: 3600, maxSeconds: 30 * 86_400, maxUses: 1000, maxTokens: 1000 } as const;

const tokenTarget = () => ({ kind: 'NodeToken' });
const tokensPath = '/api/v1/node-tokens' as const;

export const nodeTokenSchema = z.strictObject({
  id: z.uuid().describe('Id of the token.'),
  roles: z.array(z.enum(NODE_ROLES)).describe('Roles with which a node may join.'),
  uses: z.int().describe('Number of nodes that may join with it.'),
  used: z.int().describe('Number of nodes that have joined with it.'),
  createdBy: z.string().describe('Who created it, as `type:id`.'),
  createdAt: time.describe('Time of its creation.'),
  expiresAt: time.describe('Time at which it expires.'),
});
export type NodeToken = z.infer<typeof nodeTokenSchema>;

export const createNodeTokenOperation = defineOperation({
  name: 'nodeToken.create',
  action: 'nodeToken:create',
  mode: 'write',
  scope: 'org',
  summary: 'Creates a token with which new nodes join the installation. The response is the only place that shows it.',
  input: z.strictObject({
    roles: z
      .array(z.enum(NODE_ROLES))
      .min(1)
      .max(NODE_ROLES.length)
      .default([...NODE_ROLES])
      .describe('Roles with which a node may join. Default: every role.'),
    uses: z.int().min(1).max(NODE_TOKEN_LIMITS.maxUses).default(1).describe('Number of nodes that may join with it.'),
    expiresInSeconds: z
      .int()
      .min(60)
      .max(NODE_TOKEN_LIMITS.maxSeconds)
      .default(NODE_TOKEN_LIMITS.seconds)
      .describe('Time until it expires.'),
  }),
  output: z.strictObject({
    token: z.string().describe('Token, for `node.joinToken` of the new node. Dais stores only its hash.'),
    entry: nodeTokenSchema,
  }),
  target: tokenTarget,
  secretAnswer: true,
  http: { method: 'POST', path: tokensPath, status: 201 },
});

export const listNodeTokensOperation = defineOperation({
  name: 'nodeToken.list',
  action: 'nodeToken:list',
  mode: 'read',
  scope: 'org',
  roles: [],
  summary: 'Lists the tokens with which nodes can join, newest first, without expired and used ones.',
  input: z.strictObject(pageInput),
  output: z.strictObject({ items: z.array(nodeTokenSchema), nextCursor: z.string().optional() }),
  target: tokenTarget,
  http: { method: 'GET', path: tokensPath, status: 200, query: ['limit', 'cursor'] },
});

export const revokeNodeTokenOperation = defineOperation({
  name: 'nodeToken.revoke',
  action: 'nodeToken:revoke',
  mode: 'write',
  scope: 'org',
  summary: 'Revokes a token with which nodes can join. Nodes that have joined with it stay.',
  input: z.strictObject({ id: z.uuid().describe('Id of the token.') }),
  output: z.strictObject({}),
  target: tokenTarget,
  http: { method: 'DELETE', path: `${tokensPath}/:id`, status: 200 },
});

/** Nodes belong to the installation: to no kind and no project. */
export const nodeOperations: readonly Operation[] = [
  listNodesOperation,
  removeNodeOperation,
  drainNodeOperation,
  resumeNodeOperation,
  createNodeTokenOperation,
  listNodeTokensOperation,
  revokeNodeTokenOperation,
];
